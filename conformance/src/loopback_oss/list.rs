//! Listing: prefix, delimiter, paging.

use std::ops::Bound;

use super::store::{Bucket, Version};

/// Which part of a bucket to list.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub(super) prefix: String,
    /// Empty: none.
    pub(super) delimiter: String,
    /// Only entries that sort after this; empty: all.
    pub(super) after: String,
    pub(super) max: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Entry {
    Key(String, Version),
    /// Keys with a delimiter behind the query's prefix, rolled up to one entry.
    Prefix(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Prefix(name) => name,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// The last entry's name, where more follow.
    pub(super) next: Option<String>,
}

/// One page of current objects, sorted bytewise.
pub(super) fn page(bucket: &Bucket, query: &Query) -> Page {
    let mut page = Page::default();
    if query.max == 0 {
        return page;
    }
    let from = query.after.as_str().max(query.prefix.as_str());
    let keys = bucket.keys.range::<str, _>((Bound::Included(from), Bound::Unbounded));
    for (key, versions) in keys.take_while(|(key, _)| key.starts_with(&query.prefix)) {
        let Some(version) = versions.last().filter(|version| version.object.is_some()) else {
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
