//! certmagic's keys.

use std::borrow::Cow;

use certmagic::error::Result;
use certstore_core::{Dir, Key};

use crate::error::theirs;

/// The key for `name`. As in certmagic's own storages, empty components and `.` count for nothing: `/a//./b/` is `a/b`.
pub(crate) fn key(name: &str) -> Result<Key> {
    certstore_adapter::key(&plain(name)).map_err(|error| theirs(&error, name))
}

/// The directory for `name`; the root when nothing is left of it.
pub(crate) fn dir(name: &str) -> Result<Dir> {
    certstore_adapter::dir(&plain(name)).map_err(|error| theirs(&error, name))
}

fn plain(name: &str) -> Cow<'_, str> {
    let counts = |component: &&str| !component.is_empty() && *component != ".";
    if name.split('/').all(|component| counts(&component)) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.split('/').filter(counts).collect::<Vec<_>>().join("/"))
}
