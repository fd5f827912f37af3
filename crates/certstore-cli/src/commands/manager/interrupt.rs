//! Being asked to end.

use std::future::Future;
use std::pin::Pin;

use futures_util::FutureExt as _;
use futures_util::future::Shared;

/// The number of the signal that Ctrl-C is.
const INTERRUPT: u8 = 2;

/// Whether the program has been asked to end, for all that wait for it: one for a whole command, as a signal that comes
/// while nobody listens is lost.
#[derive(Clone)]
pub(in crate::commands) struct Interrupt(Shared<Pin<Box<dyn Future<Output = u8> + Send>>>);

impl Interrupt {
    /// Listens from now on: signals no longer end the program by themselves.
    pub(in crate::commands) fn listen() -> Self {
        let signal: Pin<Box<dyn Future<Output = u8> + Send>> = Box::pin(signal());
        let shared = signal.shared();
        // The first look has the system tell of signals.
        let _ = shared.clone().now_or_never();
        Self(shared)
    }

    /// Completes when the program is asked to end, with the number of the signal.
    pub(in crate::commands) async fn come(&self) -> u8 {
        self.0.clone().await
    }

    /// The number of the signal that has come.
    pub(in crate::commands) fn has_come(&self) -> Option<u8> {
        self.0.clone().now_or_never()
    }
}

#[cfg(unix)]
async fn signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    const HANGUP: u8 = 1;
    const QUIT: u8 = 3;
    const TERMINATE: u8 = 15;
    let of = async |kind| match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        // Where signals cannot be had, one ends the program by itself.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = of(SignalKind::terminate()) => TERMINATE,
        () = of(SignalKind::interrupt()) => INTERRUPT,
        () = of(SignalKind::hangup()) => HANGUP,
        () = of(SignalKind::quit()) => QUIT,
    }
}

#[cfg(not(unix))]
async fn signal() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => INTERRUPT,
        Err(_) => std::future::pending().await,
    }
}
