//! Reads: each one round trip, and another one where one of several values is missing.

use std::collections::BTreeSet;

use bytes::Bytes;
use certstore_core::journal::bundle_dir;
use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, Result, Versioned};
use futures_util::future::join_all;

use super::value::{LAST_OF_HEAD, decode, info};
use super::walk::key_of;
use super::{TreeStorage, on};
use crate::error::{BACKEND, unexpected_reply};
use crate::foreign::Foreign;

impl TreeStorage {
    pub(super) async fn versioned(&self, key: &Key) -> Result<Versioned> {
        let mut cmd = redis::cmd("GET");
        cmd.arg(self.names.value(key));
        let found: Option<Vec<u8>> = self.connection.query(&cmd).await?;
        let Some(found) = found else {
            self.known.remove(key);
            return Err(Error::not_found());
        };
        let value = decode(found)?;
        self.known.add(key);
        Ok(value)
    }

    /// As they are at one moment.
    pub(super) async fn values(&self, keys: &[&Key]) -> Result<Vec<Result<Bytes>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut cmd = redis::cmd("MGET");
        for key in keys {
            cmd.arg(self.names.value(key));
        }
        let found: Vec<Option<Vec<u8>>> = self.connection.query(&cmd).await?;
        if found.len() != keys.len() {
            return Err(unexpected_reply());
        }
        let each = found.into_iter().zip(keys).map(async |(stored, key)| match stored {
            Some(stored) => decode(stored).map(|found| found.value),
            None => Err(self.missing(key).await),
        });
        // What is asked about several is on its way together.
        Ok(join_all(each).await)
    }

    /// Why `MGET` gave nothing, as a load tells it: `MGET` says the same of nothing and of what is no string.
    async fn missing(&self, key: &Key) -> Error {
        self.known.remove(key);
        let mut cmd = redis::cmd("STRLEN");
        cmd.arg(self.names.value(key));
        // What was stored since does not count.
        self.connection.query::<u64>(&cmd).await.err().unwrap_or_else(Error::not_found)
    }

    pub(super) async fn bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        bundle_dir(keys.iter().copied())?;
        let found = self.values(keys).await?.into_iter().zip(keys);
        found.map(|(value, key)| value.map_err(on("load bundle", key))).collect()
    }

    pub(super) async fn is_there(&self, key: &Key) -> Result<bool> {
        let mut cmd = redis::cmd("ZMSCORE");
        cmd.arg(self.names.index()).arg(key.as_str()).arg(format!("{key}!"));
        let scores: Vec<Option<f64>> = self.connection.query(&cmd).await?;
        Ok(scores.iter().any(Option::is_some))
    }

    pub(super) async fn stated(&self, key: &Key) -> Result<KeyInfo> {
        let (place, index) = (self.names.value(key), self.names.index());
        let found: Option<(Vec<u8>, u64)> = self
            .connection
            .script(
                &self.scripts.stat,
                &[place.as_bytes(), index.as_bytes()],
                &[key.as_str().as_bytes(), LAST_OF_HEAD.as_bytes()],
            )
            .await?;
        match found {
            Some((_, 0)) => Ok(KeyInfo::directory(key.clone())),
            Some((head, length)) => info(key.clone(), &head, length),
            None => Err(Error::not_found()),
        }
    }

    pub(super) async fn keys_in(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let members = self.members(dir, recursive).await?;
        let mut foreign = Foreign::default();
        let mut keys = Vec::with_capacity(members.len());
        for member in members {
            match key_of(&member) {
                Ok((key, _)) => keys.push(key),
                Err(name) => foreign.add(|| name.to_owned()),
            }
        }
        foreign.warn(dir);
        Ok(keys)
    }

    /// The names below `dir` that are no keys.
    pub(super) async fn foreign_below(&self, dir: &Dir) -> Result<Vec<String>> {
        let members = self.members(dir, true).await?;
        let names: BTreeSet<&str> =
            members.iter().filter_map(|member| key_of(member).err()).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    async fn members(&self, dir: &Dir, recursive: bool) -> Result<Vec<String>> {
        let index = self.names.index();
        let deep: &[u8] = if recursive { b"1" } else { b"0" };
        let args = [dir.as_str().as_bytes(), deep];
        let members: Option<Vec<String>> =
            self.connection.script(&self.scripts.list, &[index.as_bytes()], &args).await?;
        members.ok_or_else(no_directory)
    }
}

/// The error of listing what is not there.
pub(super) fn no_directory() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such directory").with_backend(BACKEND)
}
