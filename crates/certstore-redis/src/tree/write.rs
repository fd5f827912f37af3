//! Writes: each one step, a plain store over what is there by `SET`, in a transaction with its notice, all others by a
//! script.

use certstore_core::journal::bundle_dir;
use certstore_core::{Condition, Error, ErrorKind, Key, Lock, Result, Version};

use super::value::{Stamp, encode};
use super::verdict::judge;
use super::{TreeStorage, on};
use crate::connection::Transaction;
use crate::error::{BACKEND, unexpected_reply};

/// The largest value: what Redis takes as one argument, less room for the head.
pub(super) const MAX_VALUE: u64 = 512 * 1024 * 1024 - 16 * 1024;

/// How many members a delete removes in one step.
const DELETE_BOUND: &[u8] = b"4096";

impl TreeStorage {
    /// A plain store. Where a value seems to be there already, its name stands in the index and nothing has to be asked:
    /// the server's own command writes over it, or finds nothing to write over.
    pub(super) async fn overwrite(&self, key: &Key, value: &[u8]) -> Result<Version> {
        check_size(value)?;
        if self.known.has(key) {
            let version = Self::version();
            if self.write_over(key, &encode(value, &version, None)?).await? {
                return Ok(Version::new(version));
            }
            self.known.remove(key);
        }
        let version = self.put(key, value, "any", None).await?;
        self.known.add(key);
        Ok(version)
    }

    /// Writes over a value and tells of it, as one step; false where there is none. It may be told even so: one notice
    /// too many does no harm.
    async fn write_over(&self, key: &Key, encoded: &[u8]) -> Result<bool> {
        let place = self.names.value(key);
        let mut set = redis::cmd("SET");
        set.arg(&place).arg(encoded).arg("XX");
        let done: Option<String> = if self.changes.is_empty() {
            self.connection.query(&set).await?
        } else {
            let message = format!("s{key}");
            match self.connection.write_and_tell(set, &self.changes, &message).await? {
                Transaction::Done(done) => done,
                Transaction::NotOffered => {
                    let args = [encoded, self.changes.as_bytes(), message.as_bytes()];
                    let keys = [place.as_bytes()];
                    self.connection.script(&self.scripts.overwrite, &keys, &args).await?
                }
            }
        };
        Ok(done.is_some())
    }

    pub(super) async fn put(
        &self,
        key: &Key,
        value: &[u8],
        condition: &str,
        guard: Option<&Lock>,
    ) -> Result<Version> {
        check_size(value)?;
        let version = Self::version();
        let fence = guard.map(|guard| Fence::new(self, guard)).transpose()?;
        let encoded = encode(value, &version, fence.as_ref().map(Fence::stamp).as_ref())?;
        let (index, place) = (self.names.index(), self.names.value(key));
        let mut keys = vec![index.as_bytes(), place.as_bytes()];
        let mut args =
            vec![self.changes.as_bytes(), key.as_str().as_bytes(), &encoded, condition.as_bytes()];
        if let Some(fence) = &fence {
            fence.add_to(&mut keys, &mut args);
        }
        let verdict: String = self.connection.script(&self.scripts.store, &keys, &args).await?;
        judge(&verdict)?;
        Ok(Version::new(version))
    }

    pub(super) async fn put_all(
        &self,
        items: &[(&Key, &[u8])],
        guard: Option<&Lock>,
    ) -> Result<()> {
        bundle_dir(items.iter().map(|(key, _)| *key))?;
        let (index, version) = (self.names.index(), Self::version());
        let places: Vec<String> = items.iter().map(|(key, _)| self.names.value(key)).collect();
        let mut keys = vec![index.as_bytes()];
        keys.extend(places.iter().map(String::as_bytes));
        let fence = guard.map(|guard| Fence::new(self, guard)).transpose()?;
        let stamp = fence.as_ref().map(Fence::stamp);
        let encoded = items.iter().map(|(key, value)| {
            let encoded = check_size(value).and_then(|()| encode(value, &version, stamp.as_ref()));
            encoded.map_err(on("store", key))
        });
        let encoded = encoded.collect::<Result<Vec<_>>>()?;
        let count = items.len().to_string();
        let mut args = vec![self.changes.as_bytes(), count.as_bytes()];
        for ((key, _), value) in items.iter().zip(&encoded) {
            args.extend([key.as_str().as_bytes(), value]);
        }
        if let Some(fence) = &fence {
            fence.add_to(&mut keys, &mut args);
        }
        let (verdict, at): (String, usize) =
            self.connection.script(&self.scripts.store_all, &keys, &args).await?;
        judge(&verdict).map_err(|error| match items.get(at) {
            Some((key, _)) => on("store", key)(error),
            None => unexpected_reply(),
        })
    }

    pub(super) async fn remove(&self, key: &Key) -> Result<()> {
        self.known.remove(key);
        let (index, values) = (self.names.index(), self.names.values());
        let args: [&[u8]; 4] =
            [self.changes.as_bytes(), key.as_str().as_bytes(), values.as_bytes(), DELETE_BOUND];
        loop {
            let more: bool =
                self.connection.script(&self.scripts.delete, &[index.as_bytes()], &args).await?;
            if !more {
                return Ok(());
            }
        }
    }

    pub(super) async fn remove_value(
        &self,
        key: &Key,
        condition: &str,
        guard: Option<&Lock>,
    ) -> Result<()> {
        self.known.remove(key);
        let (index, place) = (self.names.index(), self.names.value(key));
        let mut keys = vec![index.as_bytes(), place.as_bytes()];
        let mut args = vec![self.changes.as_bytes(), key.as_str().as_bytes(), condition.as_bytes()];
        let fence = guard.map(|guard| Fence::new(self, guard)).transpose()?;
        if let Some(fence) = &fence {
            fence.add_to(&mut keys, &mut args);
        }
        let verdict: String =
            self.connection.script(&self.scripts.delete_value, &keys, &args).await?;
        judge(&verdict)
    }
}

/// What a script is told of a guard.
struct Fence<'a> {
    record: Option<String>,
    locker: &'a str,
    lock: &'a str,
    /// 20 digits, so that tokens compare as text: Lua's numbers have 53 bits.
    token: String,
}

impl<'a> Fence<'a> {
    fn new(storage: &TreeStorage, guard: &'a Lock) -> Result<Self> {
        guard.check()?;
        Ok(Self {
            record: storage.record(guard),
            locker: guard.locker_id().as_str(),
            lock: guard.name().as_str(),
            token: format!("{:020}", guard.token().0),
        })
    }

    fn stamp(&self) -> Stamp<'_> {
        Stamp { locker: self.locker, lock: self.lock, token: &self.token }
    }

    fn add_to<'b>(&'b self, keys: &mut Vec<&'b [u8]>, args: &mut Vec<&'b [u8]>) {
        keys.extend(self.record.as_ref().map(String::as_bytes));
        args.extend([self.locker.as_bytes(), self.lock.as_bytes(), self.token.as_bytes()]);
    }
}

/// The condition as scripts read it.
pub(super) fn condition_text(condition: &Condition) -> Result<String> {
    match condition {
        Condition::Absent => Ok("absent".to_owned()),
        Condition::Version(version) => Ok(format!("={}", version.as_str())),
        _ => Err(Error::unsupported("this condition is newer than this backend")),
    }
}

fn check_size(value: &[u8]) -> Result<()> {
    if value.len() as u64 <= MAX_VALUE {
        return Ok(());
    }
    let message = format!("a value has at most {MAX_VALUE} bytes, this one has {}", value.len());
    Err(Error::new(ErrorKind::TooLarge, message).with_backend(BACKEND))
}
