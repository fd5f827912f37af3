//! Room for handshakes: those that are at work, and those that wait for a certificate.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Handshakes at a time: beyond it new connections wait in the kernel's queue.
const HANDSHAKES: usize = 4096;
/// Handshakes that wait for a certificate, as one on demand: beyond it they are turned away. They are no part of the
/// others, so names that are in memory are served however many ask for what is not.
const WAITING: usize = 8192;

/// The room of a listener.
#[derive(Debug, Clone)]
pub(super) struct Places {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self::new(HANDSHAKES, WAITING)
    }
}

impl Places {
    pub(super) fn new(working: usize, waiting: usize) -> Self {
        Self {
            working: Arc::new(Semaphore::new(working)),
            waiting: Arc::new(Semaphore::new(waiting)),
        }
    }

    /// A place, as soon as there is one.
    pub(super) async fn enter(&self) -> Place {
        Place { places: self.clone(), held: self.work().await }
    }

    async fn work(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.working).acquire_owned().await.ok()
    }
}

/// The place of one handshake.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    held: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Leaves the place to another handshake while this one waits, if it has to; says whether it had.
    pub(super) async fn wait_for<T>(
        &mut self,
        what: impl Future<Output = T>,
    ) -> io::Result<(T, bool)> {
        let mut what = pin!(what);
        if let Some(at_once) = what.as_mut().now_or_never() {
            return Ok((at_once, false));
        }
        let _waiting = Arc::clone(&self.places.waiting)
            .try_acquire_owned()
            .map_err(|_| io::Error::other("too many handshakes wait for certificates"))?;
        self.held = None;
        let done = what.await;
        self.held = self.places.work().await;
        Ok((done, true))
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
