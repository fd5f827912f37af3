//! Changes that other hosts make, where the backing storage tells of them.

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Change, Clock, Dir, ErrorKind, Result, Storage};
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

use super::copy::LocalCopy;
use super::flights::Flights;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The task that listens. Dropping this ends it.
#[derive(Debug)]
pub(super) struct Notices(JoinHandle<()>);

impl Notices {
    /// Starts to listen, and goes on for good.
    pub(super) fn start(
        backing: Arc<dyn Storage>,
        copy: Arc<LocalCopy>,
        flights: Arc<Flights>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(tokio::spawn(async move {
            let listener = Listener { copy, flights };
            let mut pause = FIRST_PAUSE;
            loop {
                match backing.watch(&Dir::ROOT).await {
                    Ok(mut changes) => {
                        pause = FIRST_PAUSE;
                        // What happened before it began to listen is not told.
                        listener.all_changed();
                        while let Some(change) = changes.next().await {
                            if listener.take(change).await.is_break() {
                                break;
                            }
                        }
                        listener.all_changed();
                    }
                    Err(error) if error.kind() == ErrorKind::Unsupported => return,
                    Err(error) => {
                        tracing::debug!(%error, "changes of other hosts cannot be listened to");
                    }
                }
                clock.sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }))
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Listener {
    copy: Arc<LocalCopy>,
    flights: Arc<Flights>,
}

impl Listener {
    async fn take(&self, change: Result<Change>) -> std::ops::ControlFlow<()> {
        match change {
            Ok(Change::Stored(key)) => {
                self.flights.changed(&key);
                self.copy.doubt(&key);
            }
            Ok(Change::Deleted(key)) => {
                self.flights.changed_below(&key);
                self.copy.remove_below(&key).await;
            }
            Ok(_) => self.all_changed(),
            Err(error) => {
                tracing::debug!(%error, "changes of other hosts are not told any more");
                return std::ops::ControlFlow::Break(());
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    fn all_changed(&self) {
        self.flights.changed_all();
        self.copy.doubt_all();
    }
}
