//! Listing: prefix, delimiter, paging.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Which part of a bucket to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    /// Empty: none.
    pub(crate) delimiter: String,
    /// Only entries that sort after this; empty: all.
    pub(crate) after: String,
    pub(crate) max: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Entry<V> {
    Key(String, V),
    /// Keys with a delimiter behind the query's prefix, rolled up to one entry.
    Prefix(String),
}

impl<V> Entry<V> {
    fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Prefix(name) => name,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Page<V> {
    pub(crate) entries: Vec<Entry<V>>,
    /// The last entry's name, where more follow.
    pub(crate) next: Option<String>,
}

/// One page of current objects, sorted bytewise. Of the versions of each key the last one is current, if it `is_there`.
pub(crate) fn page<V: Clone>(
    keys: &BTreeMap<String, Vec<V>>,
    is_there: impl Fn(&V) -> bool,
    query: &Query,
) -> Page<V> {
    let mut page = Page { entries: Vec::new(), next: None };
    if query.max == 0 {
        return page;
    }
    let from = query.after.as_str().max(query.prefix.as_str());
    let keys = keys.range::<str, _>((Bound::Included(from), Bound::Unbounded));
    for (key, versions) in keys.take_while(|(key, _)| key.starts_with(&query.prefix)) {
        let Some(version) = versions.last().filter(|version| is_there(version)) else {
            continue;
        };
        let entry = match rolled_up(key, query) {
            Some(prefix) => Entry::Prefix(prefix.to_owned()),
            None => Entry::Key(key.clone(), version.clone()),
        };
        if entry.name() <= query.after.as_str() && !query.after.is_empty() {
            continue;
        }
        if page.entries.last().is_some_and(|last| last.name() == entry.name()) {
            continue;
        }
        if page.entries.len() == query.max {
            page.next = page.entries.last().map(|last| last.name().to_owned());
            break;
        }
        page.entries.push(entry);
    }
    page
}

/// The common prefix that stands for `key`.
fn rolled_up<'k>(key: &'k str, query: &Query) -> Option<&'k str> {
    if query.delimiter.is_empty() {
        return None;
    }
    let at = key[query.prefix.len()..].find(&query.delimiter)?;
    Some(&key[..query.prefix.len() + at + query.delimiter.len()])
}
