//! Connections that nobody uses at the moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

/// A connection that has rested for longer is asked whether it is alive before it is used.
const FRESH: Duration = Duration::from_secs(10);

/// How long such a question may take.
const QUESTION: Duration = Duration::from_millis(500);

/// A connection that has rested for longer is closed.
const REST: Duration = Duration::from_secs(600);

/// The last one that was put back is taken first: it knows most of the statements.
pub(super) struct Idle {
    resting: Mutex<Vec<(PgConnection, Instant)>>,
    suspected: Suspected,
}

/// When a connection to the server was last found dead, or given up: others that rested then may be dead, too.
type Suspected = Arc<Mutex<Option<Instant>>>;

impl Idle {
    pub(super) fn new() -> Self {
        Self { resting: Mutex::default(), suspected: Suspected::default() }
    }

    /// For other connections to the same server.
    pub(super) fn beside(&self) -> Self {
        Self { resting: Mutex::default(), suspected: self.suspected.clone() }
    }

    /// A connection that is alive, as far as one can tell. Once one is found dead, all that have rested since before are
    /// taken for dead, too: asking one after another could take the whole time of a call.
    pub(super) async fn take(&self) -> Option<PgConnection> {
        let (mut connection, since) = whole(&self.resting).pop()?;
        let suspected = *whole(&self.suspected);
        let fresh = since.elapsed() < FRESH && suspected.is_none_or(|at| at < since);
        if fresh {
            return Some(connection);
        }
        let asked = Instant::now();
        if let Ok(Ok(())) = tokio::time::timeout(QUESTION, connection.ping()).await {
            return Some(connection);
        }
        let dead: Vec<_> = {
            let mut resting = whole(&self.resting);
            let (dead, kept) = resting.drain(..).partition(|(_, since)| *since <= asked);
            *resting = kept;
            dead
        };
        self.suspect_those_before(asked);
        drop(dead);
        None
    }

    pub(super) fn put(&self, connection: PgConnection) {
        let now = Instant::now();
        let mut resting = whole(&self.resting);
        resting.push((connection, now));
        let old: Vec<_> = {
            let old = resting.iter().take_while(|(_, since)| now - *since > REST).count();
            resting.drain(..old).collect()
        };
        drop(resting);
        drop(old);
    }

    /// A connection was found dead, or given up.
    pub(super) fn suspect(&self) {
        self.suspect_those_before(Instant::now());
    }

    fn suspect_those_before(&self, moment: Instant) {
        let mut suspected = whole(&self.suspected);
        *suspected = (*suspected).max(Some(moment));
    }
}

/// Nothing that can panic runs under these locks.
fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
