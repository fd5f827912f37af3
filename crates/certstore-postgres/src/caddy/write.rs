//! Stores and deletes, one statement each.

use certstore_core::{Error, ErrorKind, Key, Result, Version};
use sqlx::postgres::PgRow;

use super::columns::column;
use super::place::{above, columns, split};
use super::shared::Shared;
use crate::error::BACKEND;
use crate::pool::Arg;

/// How often a store is tried that others disturb by making or deleting the directories above it.
const TRIES: u32 = 16;

/// The largest value, in bytes. The server's own limit for a field is 1 GiB.
pub(super) const MAX_VALUE: u64 = 64 << 20;

/// What the server answered to a store.
enum Answer {
    Stored(Version),
    /// There is a value, and there must be none.
    Taken,
    /// Others were making the same directories.
    Raced,
}

/// Stores values of one directory, all or none; the version of one of them.
///
/// # Errors
/// [`ErrorKind::Conflict`]: a directory is a file, or the other way round, or there is a value and `only_new`.
pub(super) async fn store(
    shared: &Shared,
    items: &[(&Key, &[u8])],
    only_new: bool,
) -> Result<Version> {
    let keys: Vec<&Key> = items.iter().map(|(key, _)| *key).collect();
    let values: Vec<&[u8]> = items.iter().map(|(_, value)| *value).collect();
    let paths: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
    let (parents, names) = columns(&keys);
    let parent = parents.first().copied().unwrap_or_default();
    let (dir_parents, dir_names) = above(parent);
    let args = [
        Arg::Text(parent),
        Arg::Texts(&names),
        Arg::ByteStrings(&values),
        Arg::Texts(&dir_parents),
        Arg::Texts(&dir_names),
        Arg::Texts(&paths),
        Arg::Bool(only_new),
    ];
    for (key, value) in items {
        check_size(value).map_err(|error| error.with_key(key))?;
    }
    for _ in 0..TRIES {
        let rows = shared.pool.write(&shared.sql.store, &args).await?;
        match answer(rows.first(), &dir_parents, &dir_names, &keys)? {
            Answer::Stored(version) => return Ok(version),
            Answer::Taken => return Err(conflict("there is a value already")),
            Answer::Raced => {}
        }
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "others make and delete the directories above it all the time; retry",
    ))
}

fn answer(
    row: Option<&PgRow>,
    dir_parents: &[&str],
    dir_names: &[&str],
    keys: &[&Key],
) -> Result<Answer> {
    let row =
        row.ok_or_else(|| Error::new(ErrorKind::Other, "the server gave no answer to a store"))?;
    let at = |index: Option<i64>| index.and_then(|place| usize::try_from(place - 1).ok());
    if let Some(place) = at(column(row, 0)?) {
        let part = |parts: &[&str]| parts.get(place).copied().unwrap_or_default().to_owned();
        let dir = super::place::joined(&part(dir_parents), &part(dir_names));
        return Err(conflict(format!("\"{dir}\" above it has a value, so nothing can lie below")));
    }
    if let Some(place) = at(column(row, 1)?) {
        let error = conflict("there are keys below this one, so it cannot have a value");
        return Err(match keys.get(place) {
            Some(key) => error.with_key(key),
            None => error,
        });
    }
    if column(row, 2)? {
        return Ok(Answer::Raced);
    }
    let version: Option<String> = column(row, 3)?;
    Ok(version.map_or(Answer::Taken, |version| Answer::Stored(Version::new(version))))
}

/// Writes over the value of this version.
///
/// # Errors
/// [`ErrorKind::Conflict`]: it has another, or there is no value.
pub(super) async fn replace(
    shared: &Shared,
    key: &Key,
    value: &[u8],
    version: &Version,
) -> Result<Version> {
    check_size(value)?;
    let (parent, name) = split(key.as_str());
    let version = Arg::Text(version.as_str());
    let args = [Arg::Text(parent), Arg::Text(name), Arg::Bytes(value), version];
    let rows = shared.pool.write(&shared.sql.replace, &args).await?;
    let row = rows.first().ok_or_else(|| conflict("the value is not of that version any more"))?;
    Ok(Version::new(column::<String>(row, 0)?))
}

/// Deletes a file, or a directory with all that lies below.
pub(super) async fn delete(shared: &Shared, key: &Key) -> Result<()> {
    let (parent, name) = split(key.as_str());
    let args = [Arg::Text(parent), Arg::Text(name), Arg::Text(key.as_str())];
    shared.pool.write(&shared.sql.delete, &args).await.map(drop)
}

/// Deletes the file of this version.
///
/// # Errors
/// [`ErrorKind::Conflict`]: it has another, or there is no value.
pub(super) async fn delete_if(shared: &Shared, key: &Key, version: &Version) -> Result<()> {
    let (parent, name) = split(key.as_str());
    let args = [Arg::Text(parent), Arg::Text(name), Arg::Text(version.as_str())];
    match shared.pool.write(&shared.sql.delete_if, &args).await?.first() {
        Some(_) => Ok(()),
        None => Err(conflict("the value is not of that version any more")),
    }
}

fn check_size(value: &[u8]) -> Result<()> {
    if value.len() as u64 <= MAX_VALUE {
        return Ok(());
    }
    let message = format!("a value has at most {MAX_VALUE} bytes, this one has {}", value.len());
    Err(Error::new(ErrorKind::TooLarge, message))
}

fn conflict(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Conflict, message).with_backend(BACKEND)
}
