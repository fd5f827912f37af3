//! A page of a list, for JSON and gRPC.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::object::Object;
use super::refusal::Refusal;

/// The most names of a page: <https://cloud.google.com/storage/docs/json_api/v1/objects/list>.
const MAX_PAGE: usize = 1_000;

/// What is listed.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) prefix: String,
    /// Empty: none.
    pub(super) delimiter: String,
    /// Objects whose names end with the delimiter stand as objects, too.
    pub(super) trailing: bool,
    pub(super) start: String,
    /// Empty: no end.
    pub(super) end: String,
    /// Empty: the first page.
    pub(super) token: String,
    /// 0: as many as there may be.
    pub(super) size: usize,
}

/// Names in bytewise order.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Arc<Object>>,
    pub(super) prefixes: Vec<String>,
    pub(super) next: Option<String>,
}

/// An entry: an object, or what several names begin with.
enum Entry {
    Object(Arc<Object>),
    Prefix(String),
}

pub(super) fn page(
    objects: &BTreeMap<String, Arc<Object>>,
    query: &Query,
) -> Result<Page, Refusal> {
    let size = if query.size == 0 { MAX_PAGE } else { query.size.min(MAX_PAGE) };
    // Everything up to this name, or that begins with this prefix, was on an earlier page.
    let after = (!query.token.is_empty()).then(|| decode(&query.token)).transpose()?;
    let mut page = Page::default();
    let mut last = None::<String>;
    let from = query.prefix.as_str().max(query.start.as_str());
    let from = match &after {
        Some(after) if after.as_str() >= from => Bound::Excluded(after.as_str()),
        _ => Bound::Included(from),
    };
    for (name, object) in objects.range::<str, _>((from, Bound::Unbounded)) {
        if !name.starts_with(&query.prefix) || (!query.end.is_empty() && *name >= query.end) {
            break;
        }
        let mut entries = entries(name, object, query);
        entries.retain(|entry| match entry {
            Entry::Object(_) => true,
            Entry::Prefix(prefix) => {
                after.as_ref() != Some(prefix) && page.prefixes.last() != Some(prefix)
            }
        });
        if entries.is_empty() {
            continue;
        }
        if page.objects.len() + page.prefixes.len() >= size {
            page.next = last.as_deref().map(encode);
            return Ok(page);
        }
        for entry in entries {
            match entry {
                Entry::Object(object) => {
                    last = Some(name.clone());
                    page.objects.push(object);
                }
                Entry::Prefix(prefix) => {
                    last = Some(prefix.clone());
                    page.prefixes.push(prefix);
                }
            }
        }
    }
    Ok(page)
}

/// What a name stands for in a list.
fn entries(name: &str, object: &Arc<Object>, query: &Query) -> Vec<Entry> {
    let rest = &name[query.prefix.len()..];
    let found = rest.find(&query.delimiter).filter(|_| !query.delimiter.is_empty());
    let Some(at) = found else { return vec![Entry::Object(Arc::clone(object))] };
    let end = query.prefix.len() + at + query.delimiter.len();
    let mut entries = vec![Entry::Prefix(name[..end].to_owned())];
    if query.trailing && end == name.len() {
        entries.push(Entry::Object(Arc::clone(object)));
    }
    entries
}

fn encode(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn decode(token: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Refusal::invalid("Invalid argument: pageToken"))
}
