//! Storing and deleting.

use certstore_core::journal::bundle_dir;
use certstore_core::{Condition, Error, ErrorKind, Key, Lock, Result, Version};

use super::read::{column, only, version};
use super::{MAX_VALUE, Native, on};
use crate::error::{BACKEND, code_of};
use crate::pool::Arg;

/// The most bytes of one bundle: the server takes up to 1 GB a statement, twice that as text.
const MAX_BUNDLE: u64 = 4 * MAX_VALUE;

/// The most keys of one bundle: each new one takes a lock in the server's table of locks, which all sessions share.
const MAX_BUNDLE_KEYS: usize = 1000;

/// The most keys below another that one statement deletes.
const MAX_REMOVED: i64 = 10_000;

/// `division_by_zero`: a fenced bundle would have been put in part.
const NOT_ALL: &str = "22012";

/// How often a fenced delete or bundle meets a value that others write over at the same time.
const ATTEMPTS: u32 = 8;

impl Native {
    pub(super) async fn put(&self, key: &Key, value: &[u8]) -> Result<Version> {
        check_size(value)?;
        let args = [Arg::Text(key.as_str()), Arg::Bytes(value)];
        let rows = self.pool.write(&self.sql.put, &args).await?;
        Ok(version(column(only(&rows)?, 0)?))
    }

    pub(super) async fn put_if(
        &self,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        check_size(value)?;
        let (key, value) = (Arg::Text(key.as_str()), Arg::Bytes(value));
        let (rows, refused) = match condition {
            Condition::Absent => {
                let rows = self.pool.write(&self.sql.put_absent, &[key, value]).await?;
                (rows, "there is a value already")
            }
            Condition::Version(expected) => {
                let Some(expected) = stamp_text(expected) else { return Err(other_version()) };
                let args = [key, value, Arg::Text(expected)];
                (self.pool.write(&self.sql.put_version, &args).await?, OTHER_VERSION)
            }
            _ => return Err(Error::unsupported("this backend does not know the condition")),
        };
        match rows.first() {
            Some(row) => Ok(version(column(row, 0)?)),
            None => Err(Error::new(ErrorKind::Conflict, refused)),
        }
    }

    pub(super) async fn put_fenced(
        &self,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        check_size(value)?;
        guard.check()?;
        let (locker, name, token) = self.stamp(guard);
        let args = [locker, name, token, Arg::Text(key.as_str()), Arg::Bytes(value)];
        let sql = &self.sql.put_fenced;
        let sql = if self.is_own(guard) { &sql.own } else { &sql.foreign };
        let rows = self.pool.write(sql, &args).await?;
        let row = only(&rows)?;
        let (held, written): (bool, Option<String>) = (column(row, 0)?, column(row, 1)?);
        match written {
            Some(written) => Ok(version(written)),
            None if held => Err(overtaken()),
            None => Err(not_held()),
        }
    }

    pub(super) async fn put_all(
        &self,
        items: &[(&Key, &[u8])],
        guard: Option<&Lock>,
    ) -> Result<()> {
        let dir = bundle_dir(items.iter().map(|(key, _)| *key))
            .map_err(|error| error.with_backend(BACKEND))?;
        for (key, value) in items {
            check_size(value).map_err(on("store", key))?;
        }
        let put = async {
            check_bundle(items)?;
            // In one order, so that two of the same directory do not wait for each other in a circle.
            let mut sorted: Vec<_> = items.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key.as_str());
            let keys: Vec<&str> = sorted.iter().map(|(key, _)| key.as_str()).collect();
            let values: Vec<&[u8]> = sorted.iter().map(|(_, value)| *value).collect();
            match guard {
                Some(guard) => self.put_all_fenced(&keys, &values, guard).await,
                None => {
                    let args = [Arg::Texts(&keys), Arg::ByteStrings(&values)];
                    self.pool.write(&self.sql.put_all, &args).await.map(drop)
                }
            }
        };
        put.await.map_err(|error| {
            error
                .with_operation("store the bundle in")
                .with_subject(dir.as_str())
                .with_backend(BACKEND)
        })
    }

    async fn put_all_fenced(&self, keys: &[&str], values: &[&[u8]], guard: &Lock) -> Result<()> {
        let (locker, name, token) = self.stamp(guard);
        let args = [locker, name, token, Arg::Texts(keys), Arg::ByteStrings(values)];
        let sql = &self.sql.put_all_fenced;
        let sql = if self.is_own(guard) { &sql.own } else { &sql.foreign };
        for _ in 0..ATTEMPTS {
            guard.check()?;
            let rows = match self.pool.write(sql, &args).await {
                Err(error) if code_of(&error) == Some(NOT_ALL) => continue,
                written => written?,
            };
            let row = only(&rows)?;
            let (held, newer): (bool, Option<String>) = (column(row, 0)?, column(row, 1)?);
            return match newer {
                _ if !held => Err(not_held()),
                Some(_) => Err(overtaken()),
                None => Ok(()),
            };
        }
        Err(Error::new(ErrorKind::Conflict, "others write these keys without a pause; try again"))
    }

    /// In one statement, or, where more lies below than fits the limit of one, in several.
    pub(super) async fn remove(&self, key: &Key) -> Result<()> {
        let args = [Arg::Text(key.as_str()), Arg::Int(MAX_REMOVED)];
        let mut begun = false;
        loop {
            let removed = self.pool.write(&self.sql.remove, &args).await;
            let rows = removed.map_err(|error| {
                let applied = begun || error.may_have_applied();
                error.with_may_have_applied(applied)
            })?;
            if column::<i64>(only(&rows)?, 0)? < MAX_REMOVED {
                return Ok(());
            }
            begun = true;
        }
    }

    pub(super) async fn remove_if(&self, key: &Key, version: &Version) -> Result<()> {
        let Some(expected) = stamp_text(version) else { return Err(other_version()) };
        let args = [Arg::Text(key.as_str()), Arg::Text(expected)];
        let rows = self.pool.write(&self.sql.remove_version, &args).await?;
        if rows.is_empty() { Err(other_version()) } else { Ok(()) }
    }

    pub(super) async fn remove_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let (locker, name, token) = self.stamp(guard);
        let args = [locker, name, token, Arg::Text(key.as_str())];
        let sql = &self.sql.remove_fenced;
        let sql = if self.is_own(guard) { &sql.own } else { &sql.foreign };
        for _ in 0..ATTEMPTS {
            guard.check()?;
            let rows = self.pool.write(sql, &args).await?;
            let row = only(&rows)?;
            let (held, gone): (bool, bool) = (column(row, 0)?, column(row, 1)?);
            let (was_there, newer): (bool, bool) = (column(row, 2)?, column(row, 3)?);
            if !held {
                return Err(not_held());
            }
            if newer && !gone {
                return Err(overtaken());
            }
            if gone || !was_there {
                return Ok(());
            }
            // Somebody wrote or deleted it since the statement began: only a new one sees what stands now.
        }
        Err(Error::new(ErrorKind::Conflict, "others write this key without a pause; try again"))
    }

    fn stamp<'a>(&self, guard: &'a Lock) -> (Arg<'a>, Arg<'a>, Arg<'a>) {
        let token = i64::try_from(guard.token().0).unwrap_or(i64::MAX);
        let locker = guard.locker_id().as_str();
        (Arg::Text(locker), Arg::Text(guard.name().as_str()), Arg::Int(token))
    }

    fn is_own(&self, guard: &Lock) -> bool {
        guard.locker_id() == self.locker.id()
    }
}

const OTHER_VERSION: &str = "the value is not of that version any more";

fn other_version() -> Error {
    Error::new(ErrorKind::Conflict, OTHER_VERSION)
}

fn overtaken() -> Error {
    Error::new(ErrorKind::Fenced, "a newer holder of the lock has written this key; stop")
}

fn not_held() -> Error {
    Error::new(
        ErrorKind::Fenced,
        "the lock is not held with this token any more: a newer holder has it, or it was broken; stop",
    )
}

/// The text of a version of ours; another text was never one.
fn stamp_text(version: &Version) -> Option<&str> {
    let text = version.as_str();
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).then_some(text)
}

fn check_bundle(items: &[(&Key, &[u8])]) -> Result<()> {
    let total: u64 = items.iter().map(|(_, value)| value.len() as u64).sum();
    let message = if items.len() > MAX_BUNDLE_KEYS {
        format!("a bundle has at most {MAX_BUNDLE_KEYS} keys, this one has {}", items.len())
    } else if total > MAX_BUNDLE {
        format!("a bundle has at most {MAX_BUNDLE} bytes, this one has {total}")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::TooLarge, message))
}

fn check_size(value: &[u8]) -> Result<()> {
    if value.len() as u64 <= MAX_VALUE {
        return Ok(());
    }
    let message = format!("a value has at most {MAX_VALUE} bytes, this one has {}", value.len());
    Err(Error::new(ErrorKind::TooLarge, message).with_backend(BACKEND))
}
