//! Lock records as rows.
//!
//! Held records are written and committed synchronously: a confirmed renewal that a crash of the server lost would end the
//! lease before the holder's own limit. Setting a record free may be lost, which only delays the next holder.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_core::lease::{Claim, Record, Register, State, Stored, Swap, Wake};
use certstore_core::{Error, ErrorKind, Result, Version};
use sqlx::postgres::PgRow;

use crate::config::LockClock;
use crate::error::BACKEND;
use crate::native::column;
use crate::pool::{Arg, Pool};
use crate::schema::Names;
use crate::wake::Waker;

/// How often a claim that met another's commit in the same moment is judged anew.
const ATTEMPTS: u32 = 4;

/// The locks of one store.
#[derive(Debug, Clone)]
pub(crate) struct PostgresRegister {
    pool: Pool,
    sql: Arc<Statements>,
    /// The channel that releases are told on.
    channel: Arc<str>,
    waker: Waker,
    clock: LockClock,
}

#[derive(Debug)]
struct Statements {
    claim: Arc<str>,
    read: Arc<str>,
    create: Arc<str>,
    hold: Arc<str>,
    free: Arc<str>,
    names: Arc<str>,
    sweep: Arc<str>,
}

// What is judged stands in columns of its own; the record itself is text. The token is that of its column, since the server
// gives it.
const COLUMNS: &str = "record, held, write, token";

// A server that does not wait for the disk by default does for this statement. As it is settled before the statement
// commits, it holds for this commit.
const SYNCHRONOUS: &str = "mode AS MATERIALIZED (
    SELECT CASE current_setting('synchronous_commit')
        WHEN 'off' THEN set_config('synchronous_commit', 'on', TRUE) END AS setting
)";

const NOW_US: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

// `$1` name, `$2` write, `$3` span, `$4` lease in milliseconds, `$5` record. The update comes first, and an insert only
// where there is no row: a refused attempt writes and locks nothing. What it shows is the holder's row as it was when the
// statement began.
const CLAIM: &str = "\
WITH {synchronous}, old AS MATERIALIZED (
    SELECT * FROM {locks} WHERE name = $1
), taken AS (
    UPDATE {locks} AS l SET held = TRUE, write = $2, token = greatest(l.token + greatest(l.span, 1), {now_us}), span = $3,
        expires = clock_timestamp() + $4 * interval '1 millisecond', record = $5
    FROM mode WHERE l.name = $1 AND (NOT l.held OR l.expires <= clock_timestamp())
    RETURNING l.*
), made AS (
    INSERT INTO {locks} (name, held, write, token, span, expires, record)
    SELECT $1, TRUE, $2, {now_us}, $3, clock_timestamp() + $4 * interval '1 millisecond', $5
    FROM mode WHERE NOT EXISTS (SELECT FROM old)
    ON CONFLICT (name) DO NOTHING
    RETURNING *
)
SELECT {columns}, TRUE, 0::bigint FROM taken
UNION ALL SELECT {columns}, TRUE, 0::bigint FROM made
UNION ALL SELECT {columns}, FALSE, (extract(epoch FROM expires - clock_timestamp()) * 1000)::bigint FROM old
    WHERE NOT EXISTS (SELECT FROM taken)";

const READ: &str = "SELECT {columns} FROM {locks} WHERE name = $1";

// As above; `$6` token, `$7` whether it is held or the nonce that is expected.
const CREATE: &str = "\
WITH {synchronous}
INSERT INTO {locks} (name, held, write, token, span, expires, record)
SELECT $1, $7, $2, $6, $3, clock_timestamp() + $4 * interval '1 millisecond', $5 FROM mode
ON CONFLICT (name) DO NOTHING
RETURNING TRUE";

const HOLD: &str = "\
WITH {synchronous}
UPDATE {locks} AS l SET held = TRUE, write = $2, token = $6, span = $3,
    expires = clock_timestamp() + $4 * interval '1 millisecond', record = $5
FROM mode WHERE l.name = $1 AND l.write = $7
RETURNING TRUE";

// The release and the notice of it are one commit, and the one that may be lost. `$8` is the channel.
const FREE: &str = "\
WITH mode AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', TRUE) AS setting
), freed AS (
    UPDATE {locks} AS l SET held = FALSE, write = $2, token = $6, span = $3,
        expires = clock_timestamp() + 0 * $4 * interval '1 millisecond', record = $5
    FROM mode WHERE l.name = $1 AND l.write = $7
    RETURNING l.name
)
SELECT pg_notify($8, freed.name) FROM freed";

const NAMES: &str = "SELECT name FROM {locks} WHERE held";

// Tokens are at least the server's microseconds, so they grow over a lost row, too.
const SWEEP: &str =
    "DELETE FROM {locks} WHERE NOT held AND expires < clock_timestamp() - interval '30 days'";

impl PostgresRegister {
    pub(crate) fn new(
        pool: Pool,
        names: &Names,
        channel: String,
        waker: Waker,
        clock: LockClock,
    ) -> Self {
        let fill = |template: &str| {
            let template = template
                .replace("{synchronous}", SYNCHRONOUS)
                .replace("{now_us}", NOW_US)
                .replace("{columns}", COLUMNS);
            names.fill(&template)
        };
        let sql = Statements {
            claim: fill(CLAIM),
            read: fill(READ),
            create: fill(CREATE),
            hold: fill(HOLD),
            free: fill(FREE),
            names: fill(NAMES),
            sweep: fill(SWEEP),
        };
        Self { pool, sql: Arc::new(sql), channel: channel.into(), waker, clock }
    }

    /// Prepares the statements of an uncontended lock.
    pub(crate) async fn warm(&self) -> Result<()> {
        let (text, bytes, number) = (Arg::Text(""), Arg::Bytes(b""), Arg::Int(0));
        let free = [text, bytes, number, number, text, number, bytes, text];
        self.pool
            .warm(&[
                (&self.sql.claim, &free[..5]),
                (&self.sql.hold, &free[..7]),
                (&self.sql.free, &free),
            ])
            .await
    }

    /// Removes records that have been free for 30 days. A role without the right to leaves that to others.
    pub(crate) async fn sweep(&self) {
        if let Err(error) = self.pool.write(&self.sql.sweep, &[]).await {
            tracing::debug!(%error, "records of locks long unused were not removed");
        }
    }
}

/// What a record is written from.
struct Row {
    write: [u8; 16],
    span: i64,
    lease_ms: i64,
    text: String,
    token: i64,
}

impl Row {
    fn of(record: &Record) -> Self {
        Self {
            write: record.write.to_be_bytes(),
            span: i64::from(record.span),
            lease_ms: i64::try_from(record.lease.as_millis()).unwrap_or(i64::MAX),
            text: record.encode(),
            token: i64::try_from(record.token).unwrap_or(i64::MAX),
        }
    }

    /// `$1` to `$6`.
    fn args<'a>(&'a self, name: &'a str) -> Vec<Arg<'a>> {
        vec![
            Arg::Text(name),
            Arg::Bytes(&self.write),
            Arg::Int(self.span),
            Arg::Int(self.lease_ms),
            Arg::Text(&self.text),
            Arg::Int(self.token),
        ]
    }
}

#[async_trait]
impl Register for PostgresRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        let rows = self.pool.read(&self.sql.read, &[Arg::Text(name)]).await?;
        rows.first().map(stored).transpose()
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let (row, held) = (Row::of(record), record.state == State::Held);
        let mut args = row.args(name);
        let old = match expected.map(nonce) {
            None => None,
            Some(Some(old)) => Some(old),
            // Never one of ours.
            Some(None) => return Ok(Swap::Conflict),
        };
        args.push(old.as_ref().map_or(Arg::Bool(held), |old| Arg::Bytes(old)));
        let sql = match (&old, held) {
            (None, _) => &self.sql.create,
            (Some(_), true) => &self.sql.hold,
            (Some(_), false) => {
                args.push(Arg::Text(&self.channel));
                &self.sql.free
            }
        };
        let rows = self.pool.write(sql, &args).await?;
        Ok(if rows.is_empty() { Swap::Conflict } else { Swap::Done(version(record.write)) })
    }

    fn server_clock(&self) -> bool {
        self.clock == LockClock::Server
    }

    async fn claim(&self, name: &str, record: &Record) -> Result<Claim> {
        let row = Row::of(record);
        let args = &row.args(name)[..5];
        let mut held = None;
        for _ in 0..ATTEMPTS {
            let rows = self.pool.write(&self.sql.claim, args).await?;
            // No row: another has created the record since the statement began.
            let Some(row) = rows.first() else { continue };
            let by = stored(row)?;
            let (granted, left): (bool, i64) = (column(row, 4)?, column(row, 5)?);
            if granted {
                return Ok(Claim::Granted(by));
            }
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            if by.record.state == State::Held && !left.is_zero() {
                return Ok(Claim::Held { by, left });
            }
            // It was free, and another took it since the statement began.
            held = Some(Claim::Held { by, left: Duration::from_millis(1) });
        }
        held.ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "others create this lock's record at the same time")
                .with_backend(BACKEND)
        })
    }

    async fn names(&self) -> Result<Vec<String>> {
        let rows = self.pool.read(&self.sql.names, &[]).await?;
        rows.iter().map(|row| column(row, 0)).collect()
    }

    fn wake(&self, name: &str) -> Wake {
        self.waker.wake(name)
    }
}

fn version(write: u128) -> Version {
    Version::new(format!("{write:032x}"))
}

fn nonce(version: &Version) -> Option<[u8; 16]> {
    u128::from_str_radix(version.as_str(), 16).ok().map(u128::to_be_bytes)
}

/// The record in the columns [`COLUMNS`].
fn stored(row: &PgRow) -> Result<Stored> {
    let mut record =
        Record::decode(&column::<String>(row, 0)?).map_err(|error| error.with_backend(BACKEND))?;
    let held: bool = column(row, 1)?;
    record.state = if held { State::Held } else { State::Free };
    let write: Vec<u8> = column(row, 2)?;
    record.write = write.try_into().map(u128::from_be_bytes).map_err(|_| damaged("write"))?;
    let token: i64 = column(row, 3)?;
    record.token = u64::try_from(token).map_err(|_| damaged("token"))?;
    Ok(Stored { version: version(record.write), record })
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the lock's row is damaged: its column {what}"))
        .with_backend(BACKEND)
}
