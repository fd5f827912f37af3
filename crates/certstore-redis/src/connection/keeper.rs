//! Keeps the connection up while somebody listens: a subscriber sends nothing, and so would never notice its end.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::Inner;
use super::dial::Request;

/// How often a quiet connection is tried.
const PERIOD: Duration = Duration::from_secs(15);

/// The first and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The task; it ends with this.
pub(super) struct Keeper(JoinHandle<()>);

impl Keeper {
    pub(super) fn start(inner: &Arc<Inner>) -> Self {
        Self(tokio::spawn(keep(Arc::downgrade(inner), inner.broken.clone())))
    }

    /// Whether it has ended, with the runtime that it ran on.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep(inner: Weak<Inner>, broken: Arc<Notify>) {
    let mut pause = None;
    loop {
        match pause {
            // What failed has told of itself: only time helps.
            Some(pause) => tokio::time::sleep(pause).await,
            None => {
                tokio::select! {
                    () = broken.notified() => {}
                    () = tokio::time::sleep(PERIOD) => {}
                }
            }
        }
        let Some(inner) = inner.upgrade() else { return };
        pause = match (inner.is_alive().await, pause) {
            (true, _) => None,
            (false, None) => Some(PAUSES.0),
            (false, Some(pause)) => Some((pause * 2).min(PAUSES.1)),
        };
    }
}

impl Inner {
    /// Whether the server answers, on a new connection if there was none.
    async fn is_alive(self: &Arc<Self>) -> bool {
        let Ok((generation, mut live)) = self.live().await else { return false };
        let ping = redis::cmd("PING");
        match tokio::time::timeout(self.dialer.timeout(), live.send(&Request::One(&ping))).await {
            Ok(Ok(_)) => true,
            // A server that is busy or loading is none to connect to anew.
            Ok(Err(error)) => {
                self.judge(generation, &error);
                false
            }
            Err(_) => {
                self.discard(generation);
                false
            }
        }
    }
}
