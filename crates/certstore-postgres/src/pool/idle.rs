//! Connections that nobody uses at the moment.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

/// A connection that has rested for longer is asked whether it is alive before it is used.
const FRESH: Duration = Duration::from_secs(10);

/// How long such a question may take.
const QUESTION: Duration = Duration::from_secs(2);

/// A connection that has rested for longer is closed.
const REST: Duration = Duration::from_secs(600);

/// The last one that was put back is taken first: it knows most of the statements.
pub(super) struct Idle(Mutex<State>);

struct State {
    resting: Vec<(PgConnection, Instant)>,
    /// When a connection was last found dead: others that rested then may be, too.
    suspected: Option<Instant>,
}

impl Idle {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { resting: Vec::new(), suspected: None }))
    }

    /// A connection that is alive, as far as one can tell.
    pub(super) async fn take(&self) -> Option<PgConnection> {
        loop {
            let (mut connection, since, suspected) = {
                let mut state = self.state();
                let (connection, since) = state.resting.pop()?;
                (connection, since, state.suspected)
            };
            let fresh = since.elapsed() < FRESH && suspected.is_none_or(|at| at < since);
            if fresh {
                return Some(connection);
            }
            if let Ok(Ok(())) = tokio::time::timeout(QUESTION, connection.ping()).await {
                return Some(connection);
            }
            self.suspect();
        }
    }

    pub(super) fn put(&self, connection: PgConnection) {
        let now = Instant::now();
        let mut state = self.state();
        state.resting.push((connection, now));
        let old: Vec<_> = {
            let kept = state.resting.iter().take_while(|(_, since)| now - *since > REST).count();
            state.resting.drain(..kept).collect()
        };
        drop(state);
        drop(old);
    }

    /// A connection was found dead.
    pub(super) fn suspect(&self) {
        self.state().suspected = Some(Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
