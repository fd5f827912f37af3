//! Everything below a directory, page by page.

use certstore_core::{Dir, Error, Key, KeyInfo, Result};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::TreeStorage;
use super::read::no_directory;
use super::value::{LAST_OF_HEAD, info};
use crate::error::{BACKEND, unexpected_reply};
use crate::foreign::Foreign;

/// How many keys a page has.
const PAGE: &str = "500";

/// A member of the index with the head of its value and the length of both.
type Found = (String, Vec<u8>, u64);

impl TreeStorage {
    pub(super) fn walk_below<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let dir = dir.clone();
        let start = Some((String::new(), Foreign::default()));
        let pages = stream::try_unfold(start, move |on_its_way| {
            let dir = dir.clone();
            async move {
                let Some((after, mut foreign)) = on_its_way else { return Ok::<_, Error>(None) };
                let page = self.page(&dir, &after).await.map_err(|error| {
                    error.with_operation("list").with_subject(dir.as_str()).with_backend(BACKEND)
                })?;
                let next = page.last().map(|(member, ..)| member.clone());
                let infos: Vec<_> =
                    page.into_iter().filter_map(|found| known(found, &mut foreign)).collect();
                if next.is_none() {
                    foreign.warn(&dir);
                }
                Ok(Some((stream::iter(infos), next.map(|next| (next, foreign)))))
            }
        });
        pages.try_flatten().boxed()
    }

    /// The page after the member `after`; empty at the end.
    async fn page(&self, dir: &Dir, after: &str) -> Result<Vec<Found>> {
        let (index, values) = (self.names.index(), self.names.values());
        let args = [dir.as_str(), after, PAGE, &values, LAST_OF_HEAD].map(str::as_bytes);
        let found: Option<Vec<Found>> =
            self.connection.script(&self.scripts.walk, &[index.as_bytes()], &args).await?;
        found.ok_or_else(no_directory)
    }
}

fn known((member, head, length): Found, foreign: &mut Foreign) -> Option<Result<KeyInfo>> {
    match key_of(&member) {
        // A value always has a head: this one was deleted behind our back.
        Ok((_, true)) if length == 0 => Some(Err(unexpected_reply())),
        Ok((key, true)) => {
            Some(info(key.clone(), &head, length).map_err(|error| error.with_key(&key)))
        }
        Ok((key, false)) => Some(Ok(KeyInfo::directory(key))),
        Err(name) => {
            foreign.add(|| name.to_owned());
            None
        }
    }
}

/// The key that a member of the index means, and whether it has a value; or the name that is no key.
pub(super) fn key_of(member: &str) -> Result<(Key, bool), &str> {
    let (name, is_file) = match member.strip_suffix('!') {
        Some(dir) => (dir, false),
        None => (member, true),
    };
    Key::new(name).map(|key| (key, is_file)).map_err(|_| name)
}
