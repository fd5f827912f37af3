//! Locks as rows of `caddy_locks`, by the protocol of the plugin's lock client.
//!
//! Every write of a held row takes the next number of a sequence; a waiter takes a row over whose number has not changed
//! while it watched for a whole lease. No clock is compared.

use async_trait::async_trait;
use certstore_core::lease::{Record, Register, State, Stored, Swap};
use certstore_core::{Result, Version};
use sqlx::postgres::PgRow;

use super::columns::column;
use super::lock_row::LockRow;
use super::shared::Shared;
use crate::pool::Arg;

/// The rows of one table.
#[derive(Debug, Clone)]
pub(super) struct CaddyRegister(pub(super) Shared);

impl CaddyRegister {
    /// The row of `name`.
    pub(super) async fn row(&self, name: &str) -> Result<Option<LockRow>> {
        let rows = self.0.locks.read(&self.0.sql.read_lock, &[Arg::Text(name)]).await?;
        Ok(rows.first().map(named_row).transpose()?.map(|(_, row)| row))
    }

    /// All rows that are held, with their names.
    pub(super) async fn held(&self) -> Result<Vec<(String, LockRow)>> {
        self.0.locks.read(&self.0.sql.held_locks, &[]).await?.iter().map(named_row).collect()
    }

    /// Takes the number from the row, as a peer's release that keeps the row does; whether it was of `version`.
    pub(super) async fn free(&self, name: &str, version: &Version) -> Result<bool> {
        let args = [Arg::Text(name), Arg::Text(version.as_str())];
        Ok(!self.0.locks.write(&self.0.sql.free_lock, &args).await?.is_empty())
    }
}

#[async_trait]
impl Register for CaddyRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        self.row(name).await?.map(|row| row.stored(name)).transpose()
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let (data, owner) = (record.encode(), LockRow::owner_of(record));
        let (data, owner) = (Arg::Bytes(data.as_bytes()), Arg::Text(&owner));
        let (name, held) = (Arg::Text(name), Arg::Bool(record.state == State::Held));
        let Shared { locks: pool, sql, .. } = &self.0;
        let rows = match expected {
            None => pool.write(&sql.create_lock, &[name, data, owner, held]).await?,
            Some(version) => {
                let version = Arg::Text(version.as_str());
                pool.write(&sql.swap_lock, &[name, data, owner, held, version]).await?
            }
        };
        match rows.first() {
            Some(row) => Ok(Swap::Done(Version::new(column::<String>(row, 0)?))),
            None => Ok(Swap::Conflict),
        }
    }

    async fn names(&self) -> Result<Vec<String>> {
        Ok(self.held().await?.into_iter().map(|(name, _)| name).collect())
    }
}

fn named_row(row: &PgRow) -> Result<(String, LockRow)> {
    let lock = LockRow {
        rvn: column(row, 1)?,
        data: column(row, 2)?,
        owner: column(row, 3)?,
        version: Version::new(column::<String>(row, 4)?),
    };
    Ok((column(row, 0)?, lock))
}
