//! Loading and looking.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use certstore_core::journal::bundle_dir;
use certstore_core::{Error, ErrorKind, Key, KeyInfo, Result, Version, Versioned};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Native, on};
use crate::error::{BACKEND, Stage, from_sqlx};
use crate::pool::Arg;

impl Native {
    pub(super) async fn get(&self, key: &Key) -> Result<Versioned> {
        let rows = self.pool.read(&self.sql.get, &[Arg::Text(key.as_str())]).await?;
        let row = rows.first().ok_or_else(Error::not_found)?;
        let value: Vec<u8> = column(row, 0)?;
        Ok(Versioned { value: value.into(), version: version(column(row, 1)?) })
    }

    pub(super) async fn get_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let found = match self.values_of(keys).await {
            Ok(found) => found,
            Err(error) => {
                return keys.iter().map(|key| Err(on("load", key)(again(&error)))).collect();
            }
        };
        let value = |key: &&Key| {
            found.get(key.as_str()).cloned().ok_or_else(|| on("load", key)(Error::not_found()))
        };
        keys.iter().map(value).collect()
    }

    /// In one statement: all values are of one moment.
    pub(super) async fn get_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        let dir = bundle_dir(keys.iter().copied()).map_err(|error| error.with_backend(BACKEND))?;
        let found = self.values_of(keys).await.map_err(|error| {
            error.with_operation("load the bundle in").with_subject(dir.as_str())
        })?;
        let value = |key: &&Key| {
            found.get(key.as_str()).cloned().ok_or_else(|| on("load", key)(Error::not_found()))
        };
        keys.iter().map(value).collect()
    }

    async fn values_of(&self, keys: &[&Key]) -> Result<HashMap<String, Bytes>> {
        let names: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let rows = self.pool.read(&self.sql.get_many, &[Arg::Texts(&names)]).await?;
        let pair = |row: &PgRow| Ok((column(row, 0)?, column::<Vec<u8>>(row, 1)?.into()));
        rows.iter().map(pair).collect()
    }

    pub(super) async fn is_there(&self, key: &Key) -> Result<bool> {
        let rows = self.pool.read(&self.sql.is_there, &[Arg::Text(key.as_str())]).await?;
        only(&rows).and_then(|row| column(row, 0))
    }

    pub(super) async fn info(&self, key: &Key) -> Result<KeyInfo> {
        let rows = self.pool.read(&self.sql.info, &[Arg::Text(key.as_str())]).await?;
        let row = rows.first().ok_or_else(Error::not_found)?;
        if column(row, 0)? {
            file_info(key.clone(), row, 1)
        } else {
            Ok(KeyInfo::directory(key.clone()))
        }
    }
}

/// The information in the columns size, modified and version, from `first` on.
pub(super) fn file_info(key: Key, row: &PgRow, first: usize) -> Result<KeyInfo> {
    let (size, modified): (i64, i64) = (column(row, first)?, column(row, first + 1)?);
    Ok(KeyInfo::file(key)
        .with_size(size.unsigned_abs())
        .with_modified(time(modified))
        .with_version(version(column(row, first + 2)?)))
}

/// A column of a row.
pub(crate) fn column<'r, T>(row: &'r PgRow, index: usize) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(index).map_err(|error| from_sqlx(&error, Stage::Read))
}

/// The row of a statement that always has one.
pub(super) fn only(rows: &[PgRow]) -> Result<&PgRow> {
    rows.first().ok_or_else(|| {
        Error::new(ErrorKind::Other, "the server gave no row where there is always one")
            .with_backend(BACKEND)
    })
}

/// What the statements give as the version.
pub(super) fn version(stamp: String) -> Version {
    Version::new(stamp)
}

/// Microseconds since 1970 as a time.
fn time(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

/// The same error for one more key: an error has one owner.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.message().to_owned())
}
