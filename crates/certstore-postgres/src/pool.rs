//! Connections to the server, and statements on them.
//!
//! Not the driver's own pool: that one asks the server after every statement whether it is still there, and meanwhile opens
//! another connection for the next one.

mod args;
mod connect;
mod idle;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, SqlSafeStr as _};
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) use args::Arg;

use crate::config::{Address, Pooler, PostgresConfig};
use crate::error::{self, BACKEND, Stage};
use idle::Idle;

/// How often a statement that was undone because it clashed with others is tried.
const CLASHES: u32 = 4;

/// The connections of one opened storage. Clones share them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    options: PgConnectOptions,
    idle: Idle,
    permits: Semaphore,
    connect_timeout: Duration,
    timeout: Duration,
    prepare: bool,
}

/// A connection in use; closed when it is dropped and not put back.
struct InUse<'a> {
    connection: PgConnection,
    given_up: GivenUp<'a>,
    /// Whether it was used before: then it may have died since.
    used: bool,
    _permit: SemaphorePermit<'a>,
}

/// Tells those at rest when the connection beside it is dropped in the middle of a call: it may have gone silent, and they
/// with it.
struct GivenUp<'a>(Option<&'a Idle>);

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if let Some(idle) = self.0 {
            idle.suspect();
        }
    }
}

/// The connections that locks have of their own: one for what waits for others, one beside it.
const FOR_LOCKS: usize = 2;

impl Pool {
    /// Connections as `config` says. Opens none yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`].
    pub(crate) fn new(config: &PostgresConfig) -> Result<Self> {
        config.check()?;
        Ok(Self::with_options(connect::options(&config.server, config)?, config))
    }

    /// Connections to the server that `options` name.
    pub(crate) fn with_options(options: PgConnectOptions, config: &PostgresConfig) -> Self {
        let size = usize::try_from(config.max_connections).unwrap_or(10).max(1);
        Self(Arc::new(Inner {
            options: connect::for_statements(options, config),
            idle: Idle::new(),
            permits: Semaphore::new(size),
            connect_timeout: config.connect_timeout,
            timeout: config.timeout,
            prepare: config.pooler == Pooler::None,
        }))
    }

    /// Connections to the same server for the locks alone: no call on values keeps a lock from being renewed.
    pub(crate) fn for_locks(&self) -> Self {
        let Inner { options, idle, connect_timeout, timeout, prepare, .. } = &*self.0;
        Self(Arc::new(Inner {
            options: options.clone(),
            idle: idle.beside(),
            permits: Semaphore::new(FOR_LOCKS),
            connect_timeout: *connect_timeout,
            timeout: *timeout,
            prepare: *prepare,
        }))
    }

    /// How another server is reached, for a connection outside the pool.
    pub(crate) fn options_for(
        &self,
        address: Option<&Address>,
        config: &PostgresConfig,
    ) -> Result<PgConnectOptions> {
        match address {
            Some(address) => connect::options(&address.or(&config.server), config),
            None => Ok(self.0.options.clone()),
        }
    }

    /// Runs a statement that only reads, in one round trip once it has run on its connection before. Tried again on a new
    /// connection when an old one turns out to be dead.
    ///
    /// # Errors
    /// As [`from_sqlx`](error::from_sqlx) says.
    pub(crate) async fn read(&self, sql: &Arc<str>, args: &[Arg<'_>]) -> Result<Vec<PgRow>> {
        self.run(sql, args, Stage::Read).await
    }

    /// Runs a statement that writes, as a transaction of its own. Tried again only when it certainly did nothing.
    ///
    /// # Errors
    /// As [`from_sqlx`](error::from_sqlx) says, with `may_have_applied` when the reply was lost.
    ///
    /// # Cancel safety
    /// Dropped, it may still take effect, once.
    pub(crate) async fn write(&self, sql: &Arc<str>, args: &[Arg<'_>]) -> Result<Vec<PgRow>> {
        self.run(sql, args, Stage::Write).await
    }

    async fn run(&self, sql: &Arc<str>, args: &[Arg<'_>], stage: Stage) -> Result<Vec<PgRow>> {
        let sent = AtomicBool::new(false);
        let work = self.run_unlimited(sql, args, stage, &sent);
        self.within(work, stage, &sent).await
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T>>,
        stage: Stage,
        sent: &AtomicBool,
    ) -> Result<T> {
        tokio::time::timeout(self.0.timeout, work).await.unwrap_or_else(|_| {
            let millis = self.0.timeout.as_millis();
            Err(if sent.load(Ordering::Relaxed) {
                let message = format!("the server did not answer within {millis} ms; retry");
                error::timed_out(message, stage)
            } else {
                let message = format!(
                    "no connection was to be had within {millis} ms; raise max_connections or retry"
                );
                error::timed_out(message, Stage::Connect)
            })
        })
    }

    async fn run_unlimited(
        &self,
        sql: &Arc<str>,
        args: &[Arg<'_>],
        stage: Stage,
        sent: &AtomicBool,
    ) -> Result<Vec<PgRow>> {
        let (mut clashes, mut renewed) = (0, false);
        loop {
            sent.store(false, Ordering::Relaxed);
            let mut in_use = self.acquire().await?;
            sent.store(true, Ordering::Relaxed);
            let failure = match self.send(&mut in_use.connection, sql, args).await {
                Ok(rows) => {
                    self.put_back(in_use);
                    return Ok(rows);
                }
                Err(failure) => failure,
            };
            let used = in_use.used;
            if error::is_broken(&failure) {
                drop(in_use);
            } else {
                self.put_back(in_use);
            }
            let safe = stage == Stage::Read || error::is_unsent(&failure);
            if error::is_clash(&failure) && clashes < CLASHES {
                clashes += 1;
            } else if error::is_broken(&failure) && used && safe && !renewed {
                renewed = true;
            } else {
                return Err(error::from_sqlx(&failure, stage));
            }
        }
    }

    async fn send(
        &self,
        connection: &mut PgConnection,
        sql: &Arc<str>,
        args: &[Arg<'_>],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        if self.0.prepare {
            let query = sqlx::query_with(AssertSqlSafe(sql.clone()), args::bound(args)?);
            query.fetch_all(connection).await
        } else {
            let written = args::written(sql, args);
            sqlx::raw_sql(AssertSqlSafe(written)).fetch_all(connection).await
        }
    }

    /// Prepares statements on one connection, so that their first use is one round trip already. The parameters only tell
    /// their types.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) async fn warm(&self, statements: &[(&Arc<str>, &[Arg<'_>])]) -> Result<()> {
        if !self.0.prepare {
            return Ok(());
        }
        let sent = AtomicBool::new(false);
        let work = async {
            let mut in_use = self.acquire().await?;
            sent.store(true, Ordering::Relaxed);
            for (sql, args) in statements {
                let sql = AssertSqlSafe(Arc::clone(sql)).into_sql_str();
                let prepared = in_use.connection.prepare_with(sql, &args::types(args)).await;
                prepared.map_err(|failure| error::from_sqlx(&failure, Stage::Read))?;
            }
            self.put_back(in_use);
            Ok(())
        };
        self.within(work, Stage::Read, &sent).await
    }

    /// Runs scripts on one connection, one after another; each is a text of statements without parameters. What `next`
    /// makes of the rows of the one before is run next, until it gives `None`.
    ///
    /// # Errors
    /// As [`write`](Self::write), or of `next`.
    pub(crate) async fn script(
        &self,
        mut next: impl FnMut(Vec<PgRow>) -> Result<Option<String>> + Send,
    ) -> Result<()> {
        let sent = AtomicBool::new(false);
        let work = async {
            let mut in_use = self.acquire().await?;
            sent.store(true, Ordering::Relaxed);
            let mut rows = Vec::new();
            // An error closes the connection, and with it the transaction.
            while let Some(sql) = next(rows)? {
                let done =
                    sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut in_use.connection).await;
                rows = done.map_err(|failure| error::from_sqlx(&failure, Stage::Write))?;
            }
            self.put_back(in_use);
            Ok(())
        };
        self.within(work, Stage::Write, &sent).await
    }

    async fn acquire(&self) -> Result<InUse<'_>> {
        let Ok(permit) = self.0.permits.acquire().await else {
            return Err(
                Error::new(ErrorKind::Unavailable, "the storage is closed").with_backend(BACKEND)
            );
        };
        match self.0.idle.take().await {
            Some(connection) => {
                let given_up = GivenUp(Some(&self.0.idle));
                Ok(InUse { connection, given_up, used: true, _permit: permit })
            }
            None => {
                let connection = connect_within(&self.0.options, self.0.connect_timeout).await?;
                let given_up = GivenUp(Some(&self.0.idle));
                Ok(InUse { connection, given_up, used: false, _permit: permit })
            }
        }
    }

    fn put_back(&self, mut in_use: InUse<'_>) {
        in_use.given_up.0 = None;
        self.0.idle.put(in_use.connection);
    }
}

/// One connection, opened within a limit.
///
/// # Errors
/// As [`from_sqlx`](error::from_sqlx) says.
pub(crate) async fn connect_within(
    options: &PgConnectOptions,
    limit: Duration,
) -> Result<PgConnection> {
    match tokio::time::timeout(limit, options.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(failure)) => Err(error::from_sqlx(&failure, Stage::Connect)),
        Err(_) => {
            let message = format!(
                "the server did not take a connection within {} ms; check url and the network",
                limit.as_millis()
            );
            Err(error::timed_out(message, Stage::Connect))
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("host", &self.0.options.get_host())
            .field("port", &self.0.options.get_port())
            .field("database", &self.0.options.get_database())
            .finish_non_exhaustive()
    }
}
