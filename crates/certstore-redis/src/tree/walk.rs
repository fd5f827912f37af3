//! Everything below a directory, page by page.

use std::time::{Duration, UNIX_EPOCH};

use certstore_core::{Dir, Error, Key, KeyInfo, Result, Version};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::TreeStorage;
use super::read::no_directory;
use crate::error::{BACKEND, unexpected_reply};

/// How many keys a page has.
const PAGE: &str = "500";

/// A member of the index with version, size and time of its value.
type Found = (String, Option<String>, Option<String>, Option<String>);

impl TreeStorage {
    pub(super) fn walk_below<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let dir = dir.clone();
        let pages = stream::try_unfold(Some(String::new()), move |after| {
            let dir = dir.clone();
            async move {
                let Some(after) = after else { return Ok::<_, Error>(None) };
                let page = self.page(&dir, &after).await.map_err(|error| {
                    error.with_operation("list").with_subject(dir.as_str()).with_backend(BACKEND)
                })?;
                let next = page.last().map(|(member, ..)| member.clone());
                Ok(Some((stream::iter(page.into_iter().filter_map(known)), next)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// The page after the member `after`; empty at the end.
    async fn page(&self, dir: &Dir, after: &str) -> Result<Vec<Found>> {
        let (index, values) = (self.names.index(), self.names.values());
        let args = [dir.as_str().as_bytes(), after.as_bytes(), PAGE.as_bytes(), values.as_bytes()];
        let found: Option<Vec<Found>> =
            self.connection.script(&self.scripts.walk, &[index.as_bytes()], &args).await?;
        found.ok_or_else(no_directory)
    }
}

fn known((member, version, size, modified): Found) -> Option<Result<KeyInfo>> {
    let (key, is_file) = key_of(&member)?;
    Some(if is_file { file(key, &[version, size, modified]) } else { Ok(KeyInfo::directory(key)) })
}

/// The key that a member of the index means, and whether it has a value. One that is no key was put there by somebody
/// else.
pub(super) fn key_of(member: &str) -> Option<(Key, bool)> {
    let (key, is_file) = match member.strip_suffix('!') {
        Some(dir) => (dir, false),
        None => (member, true),
    };
    match Key::new(key) {
        Ok(key) => Some((key, is_file)),
        Err(error) => {
            tracing::warn!(%error, "a foreign name in the index is left out");
            None
        }
    }
}

/// A value by its version, size and time.
pub(super) fn file(key: Key, known: &[Option<String>]) -> Result<KeyInfo> {
    let [Some(version), Some(size), Some(modified)] = known else {
        return Err(unexpected_reply().with_operation("stat").with_key(&key));
    };
    match (size.parse(), modified.parse()) {
        (Ok(size), Ok(modified)) => Ok(KeyInfo::file(key)
            .with_size(size)
            .with_modified(UNIX_EPOCH + Duration::from_micros(modified))
            .with_version(Version::new(version.as_str()))),
        _ => Err(unexpected_reply().with_operation("stat").with_key(&key)),
    }
}
