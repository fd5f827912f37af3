//! Handing on what is new of a name.

use std::sync::Arc;
use std::time::Duration;

use certstore_acme::Certificate;
use tokio::sync::watch;

use crate::commands::manager::{Delivery, Interrupt};

/// The pause after a failure, twice as long after each further one.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(600);

/// Hands on the newest certificate of one name, again and again until it has succeeded; ends when it is interrupted.
pub(super) async fn hand_on(
    delivery: Arc<Delivery>,
    subject: String,
    mut newest: watch::Receiver<Option<Certificate>>,
    interrupt: Interrupt,
) {
    let mut pause = SHORTEST;
    loop {
        let certificate = newest.borrow_and_update().clone();
        let mut again = None;
        if let Some(certificate) = certificate
            && let Err(failure) = delivery.hand_on(&subject, &certificate, true).await
        {
            failure.report();
            tracing::info!(subject, retry = ?pause, "it is handed on again");
            again = Some(pause);
        }
        tokio::select! {
            biased;
            _ = interrupt.come() => return,
            changed = newest.changed() => match changed {
                Ok(()) => pause = SHORTEST,
                Err(_) => return,
            },
            () = sleep(again) => pause = (2 * pause).min(LONGEST),
        }
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
