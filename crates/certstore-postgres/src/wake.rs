//! Learning of releases by `LISTEN`, on one connection for all who wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certstore_core::Result;
use certstore_core::lease::Wake;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::broadcast::{Sender, error::RecvError};
use tokio::task::JoinHandle;

use crate::config::{Pooler, PostgresConfig, WakeUp};
use crate::pool::Pool;

/// How many notices one who waits may lag behind before it looks anyway.
const BACKLOG: usize = 256;

/// The pauses between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a connection that brings nothing is asked whether it is alive.
const QUIET: Duration = Duration::from_secs(20);

/// Tells those who wait of releases. Clones share the connection, which is opened when somebody first waits.
#[derive(Clone)]
pub(crate) struct Waker(Option<Arc<Shared>>);

struct Shared {
    listening: Listening,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Clone)]
struct Listening {
    options: PgConnectOptions,
    channel: Arc<str>,
    limit: Duration,
    /// The name of a lock, or nothing: look at all.
    notices: Sender<Arc<str>>,
}

impl Waker {
    /// A waker as `config` says; one that tells nothing where nothing can be listened to.
    pub(crate) fn new(pool: &Pool, config: &PostgresConfig, channel: &str) -> Result<Self> {
        let behind_pooler = config.pooler == Pooler::Transaction && config.listen.is_none();
        if config.wake == WakeUp::None || behind_pooler {
            return Ok(Self(None));
        }
        let options = pool.options_for(config.listen.as_ref(), config)?.disable_statement_logging();
        let notices = Sender::new(BACKLOG);
        let limit = config.connect_timeout;
        let listening = Listening { options, channel: channel.into(), limit, notices };
        Ok(Self(Some(Arc::new(Shared { listening, task: Mutex::new(None) }))))
    }

    /// Completes at the next notice of `name` after this call.
    pub(crate) fn wake(&self, name: &str) -> Wake {
        let Some(shared) = self.0.clone() else { return Box::pin(std::future::pending()) };
        let (mut notices, name) = (shared.listening.notices.subscribe(), name.to_owned());
        Box::pin(async move {
            // Only now, when somebody really waits.
            shared.listen();
            loop {
                match notices.recv().await {
                    Ok(told) if told.is_empty() || *told == *name => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        })
    }
}

impl Shared {
    /// Starts listening, unless somebody does; anew when the runtime of the one before has ended.
    fn listen(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(self.listening.clone().run()));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

impl Listening {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = tokio::time::Instant::now();
            let ended = self.listen_once().await;
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            match ended {
                Ok(()) => tracing::debug!("the connection that listens for releases was lost"),
                Err(error) => {
                    tracing::debug!(%error, "listening for releases failed; waiters look from time to time");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listens until the connection is lost.
    async fn listen_once(&self) -> Result<(), sqlx::Error> {
        // The driver's listener takes its connection from a pool: one for this connection alone.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.limit)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        self.limited(listener.listen(&self.channel)).await?;
        // Releases may have gone by before: look at all.
        self.tell("");
        loop {
            match tokio::time::timeout(QUIET, listener.try_recv()).await {
                Ok(Ok(Some(notice))) => self.tell(notice.payload()),
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    self.limited(sqlx::raw_sql("SELECT 1").execute(&mut listener)).await?;
                }
            }
        }
    }

    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        tokio::time::timeout(self.limit, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    fn tell(&self, name: &str) {
        // Nobody may be waiting at the moment.
        drop(self.notices.send(name.into()));
    }
}

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waker").field("listens", &self.0.is_some()).finish()
    }
}
