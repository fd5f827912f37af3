//! Values and directories, as the plugin lays them out.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, Result, Version, Versioned};

use super::codec::Codec;
use super::envelope::{corrupt, parse_size, parse_time, version};
use super::names::{Names, Step};
use super::scripts::Scripts;
use crate::connection::Connection;

/// How many values a request asks about, at most.
const BATCH: usize = 256;

/// How many names a delete removes in one step.
const DELETE_BOUND: &[u8] = b"4096";

/// What must be so for a write.
#[derive(Debug, Clone, Copy)]
pub(super) enum When<'a> {
    Always,
    Absent,
    Version(&'a Version),
}

impl When<'_> {
    /// A version stands behind a sign, so that none is taken for another condition.
    fn argument(&self) -> String {
        match self {
            Self::Always => String::new(),
            Self::Absent => "absent".to_owned(),
            Self::Version(version) => format!("={version}"),
        }
    }
}

/// The values and directories of one prefix.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) connection: Connection,
    pub(super) names: Names,
    pub(super) codec: Codec,
    pub(super) scripts: Scripts,
}

impl Data {
    /// Stores values of one directory in one step.
    pub(super) async fn store(&self, items: &[(&Key, &[u8])], when: When<'_>) -> Result<Version> {
        let now = SystemTime::now();
        let mut envelopes = Vec::with_capacity(items.len());
        for (key, value) in items {
            let written = self.codec.encode(value, now);
            envelopes.push(written.map_err(|error| error.with_key(key))?);
        }
        let Some((first, _)) = items.first() else { return Err(nothing()) };
        let steps = self.names.steps(first);
        let values: Vec<String> = items.iter().map(|(key, _)| self.names.key(key)).collect();
        let keys = values.iter().chain(steps.iter().map(|step| &step.set));
        let keys: Vec<&[u8]> = keys.map(|key| key.as_bytes()).collect();
        let (count, score, when) = (items.len().to_string(), score(now), when.argument());
        let mut args: Vec<&[u8]> = vec![count.as_bytes(), score.as_bytes(), when.as_bytes()];
        args.extend(envelopes.iter().map(|envelope| envelope.as_bytes()));
        args.extend(items.iter().map(|(key, _)| key.name().as_bytes()));
        args.extend(steps.iter().skip(1).map(|step| step.member.as_bytes()));
        let answer: Vec<String> = self.connection.script(&self.scripts.store, &keys, &args).await?;
        self.written(&answer)?;
        Ok(version(envelopes[0].as_bytes()))
    }

    /// Deletes a value or a whole directory, in steps where it is large; with a version, only a value.
    pub(super) async fn delete(&self, key: &Key, when: When<'_>) -> Result<()> {
        let (full, steps) = (self.names.key(key), self.names.steps(key));
        let mut keys: Vec<&[u8]> = vec![full.as_bytes()];
        keys.extend(steps.iter().map(|step| step.set.as_bytes()));
        let when = when.argument();
        let mut args: Vec<&[u8]> = vec![when.as_bytes()];
        args.extend(steps.iter().map(|Step { member, .. }| member.as_bytes()));
        args.push(DELETE_BOUND);
        loop {
            let answer: Vec<String> =
                self.connection.script(&self.scripts.delete, &keys, &args).await?;
            if answer != ["more"] {
                return self.written(&answer);
            }
        }
    }

    /// What a writing script answered.
    fn written(&self, answer: &[String]) -> Result<()> {
        let (kind, at) = match answer {
            [done] if done == "done" => return Ok(()),
            [conflict] if conflict == "conflict" => {
                let message = "the value is not as the condition says; read it again";
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            [kind, at] => (kind.as_str(), at.as_str()),
            _ => return Err(crate::error::unexpected_reply().with_may_have_applied(true)),
        };
        let below = at.strip_prefix(self.names.prefix()).unwrap_or(at).trim_start_matches('/');
        Err(match kind {
            "zset" => {
                let message = "there are keys below this one, so it cannot have a value";
                Error::new(ErrorKind::Conflict, message)
            }
            "string" => Error::new(
                ErrorKind::Conflict,
                format!("\"{below}\" above it has a value, so nothing can lie below"),
            ),
            other => foreign_type(other),
        })
    }

    /// The stored envelopes, `None` for a missing key and for a directory.
    async fn raw(&self, keys: &[&Key]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(BATCH) {
            let mut cmd = redis::cmd("MGET");
            for key in some {
                cmd.arg(self.names.key(key));
            }
            found.extend(self.connection.query::<Vec<Option<Vec<u8>>>>(&cmd).await?);
        }
        Ok(found)
    }

    /// The values of keys, each with its own result; read in one step where there are at most 256.
    pub(super) async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        match self.raw(keys).await {
            Ok(found) => found.into_iter().map(|stored| self.opened(stored)).collect(),
            Err(error) => repeated(&error, keys.len()),
        }
    }

    fn opened(&self, stored: Option<Vec<u8>>) -> Result<Bytes> {
        self.codec.decode(&stored.ok_or_else(Error::not_found)?)
    }

    pub(super) async fn load(&self, key: &Key) -> Result<Bytes> {
        self.opened(self.raw(&[key]).await?.pop().flatten())
    }

    pub(super) async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let stored = self.raw(&[key]).await?.pop().flatten().ok_or_else(Error::not_found)?;
        Ok(Versioned { value: self.codec.decode(&stored)?, version: version(&stored) })
    }

    pub(super) async fn exists(&self, key: &Key) -> Result<bool> {
        let cmd = redis::cmd("EXISTS").arg(self.names.key(key)).to_owned();
        Ok(self.connection.query::<u64>(&cmd).await? > 0)
    }

    /// What is known of each key; `None` for one that is not there.
    pub(super) async fn stat(&self, keys: Vec<Key>) -> Result<Vec<Option<KeyInfo>>> {
        let mut infos = Vec::with_capacity(keys.len());
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            let some: Vec<Key> = keys.by_ref().take(BATCH).collect();
            let full: Vec<String> = some.iter().map(|key| self.names.key(key)).collect();
            let full: Vec<&[u8]> = full.iter().map(|key| key.as_bytes()).collect();
            let found: Vec<Vec<String>> =
                self.connection.script(&self.scripts.stat, &full, &[]).await?;
            for (key, found) in some.into_iter().zip(found) {
                infos.push(info(&key, &found).map_err(|error| error.with_key(&key))?);
            }
        }
        Ok(infos)
    }

    /// One directory, or several, and what lies in them; with `enough` of 0 nothing below them.
    pub(super) async fn listed(&self, dirs: &[String], enough: usize) -> Result<Listed> {
        let keys: Vec<&[u8]> = dirs.iter().map(|dir| dir.as_bytes()).collect();
        let enough = enough.to_string();
        let (kind, found, rest) =
            self.connection.script(&self.scripts.list, &keys, &[enough.as_bytes()]).await?;
        Ok(Listed { kind, found, rest })
    }

    /// The directory or key of a name in Redis.
    pub(super) fn dir_of<'a>(&self, full: &'a str) -> &'a str {
        full.strip_prefix(self.names.prefix()).unwrap_or(full).trim_start_matches('/')
    }

    /// Says that `dir` is missing, unless it is the root or a value.
    pub(super) fn check_kind(dir: &Dir, kind: &str) -> Result<()> {
        match kind {
            "zset" | "string" => Ok(()),
            "none" if dir.is_root() => Ok(()),
            "none" => Err(Error::new(ErrorKind::NotFound, "there is no such directory")),
            other => Err(foreign_type(other)),
        }
    }
}

/// What directories hold.
pub(super) struct Listed {
    /// The type of the first one asked for.
    pub(super) kind: String,
    /// Directories with their members, as they are in Redis.
    pub(super) found: Vec<(String, Vec<String>)>,
    /// Those that the answer had no room for.
    pub(super) rest: Vec<String>,
}

fn info(key: &Key, found: &[String]) -> Result<Option<KeyInfo>> {
    let [kind, rest @ ..] = found else { return Err(crate::error::unexpected_reply()) };
    Ok(Some(match (kind.as_str(), rest) {
        ("string", [modified, size, version]) => {
            let size = size.parse().map_err(|_| corrupt("its size is no whole number"))?;
            KeyInfo::file(key.clone())
                .with_size(parse_size(size)?)
                .with_modified(parse_time(modified)?)
                .with_version(Version::new(version.as_str()))
        }
        ("zset", _) => KeyInfo::directory(key.clone()),
        ("none", _) => return Ok(None),
        ("damaged", _) => return Err(corrupt("it is no JSON object of caddy-storage-redis")),
        (other, _) => return Err(foreign_type(other)),
    }))
}

/// The score of a value in its directory: the second of its last store.
fn score(now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs().to_string()
}

fn foreign_type(kind: &str) -> Error {
    let message: Cow<'static, str> = format!(
        "Redis keeps a {kind} under this name, which is no value of this layout; see what else writes under the prefix"
    )
    .into();
    Error::new(ErrorKind::Corrupt, message)
}

fn nothing() -> Error {
    Error::new(ErrorKind::InvalidKey, "there is nothing to store")
}

/// The same failure for each of several keys.
fn repeated<T>(error: &Error, count: usize) -> Vec<Result<T>> {
    let again = || {
        Error::new(error.kind(), error.message().to_owned())
            .with_may_have_applied(error.may_have_applied())
    };
    (0..count).map(|_| Err(again())).collect()
}
