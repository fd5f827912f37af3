//! Keeps the connection up while somebody listens: a subscriber sends nothing, and so would never notice its end.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::Inner;

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
    let mut pause = PERIOD;
    loop {
        tokio::select! {
            () = broken.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
        let Some(inner) = inner.upgrade() else { return };
        pause = match inner.live().await {
            Ok((generation, mut live)) => {
                let alive =
                    tokio::time::timeout(inner.dialer.timeout(), live.send(&redis::cmd("PING")))
                        .await;
                if let Ok(Ok(_)) = alive {
                    PERIOD
                } else {
                    inner.discard(generation);
                    PAUSES.0
                }
            }
            Err(_) if pause >= PERIOD => PAUSES.0,
            Err(_) => (pause * 2).min(PAUSES.1),
        };
    }
}
