//! What the commands share that obtain certificates.

mod answering;
mod ca;
mod delivery;
mod dns;
mod interrupt;
mod issuer;
mod names;
mod session;

use std::sync::Arc;
use std::time::Duration;

use certstore::Storage;
use certstore_acme::{Error, ObtainedLocks};

pub(super) use ca::CaArgs;
pub(super) use delivery::Delivery;
pub(super) use interrupt::Interrupt;
pub(super) use issuer::IssuerArgs;
pub(super) use names::{Done, Obtained, each, report};
pub(super) use session::{Session, SessionArgs};

use answering::ChallengeArgs;
use delivery::DeliveryArgs;
use dns::DnsArgs;
use issuer::Chosen;

use super::Context;
use crate::exit::Failure;

/// How long the end of the program waits for a storage that is to take locks back.
const FAREWELL: Duration = Duration::from_secs(5);

/// Does work over the storage, and in the end gives back the locks that it has left: their release in the background would
/// end with the program, and others would wait for a lease.
pub(super) async fn over_storage(
    context: &Context,
    work: impl AsyncFnOnce(Arc<dyn Storage>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let locks = ObtainedLocks::new(context.open().await?);
    let done = work(Arc::new(locks.clone())).await;
    if tokio::time::timeout(FAREWELL, locks.unlock_all_obtained()).await.is_err() {
        tracing::warn!(
            "the storage does not answer; the locks that are held end with their leases"
        );
    }
    done
}

pub(super) fn failure(error: Error) -> Failure {
    match error {
        Error::Storage(error) => Failure::Storage(error),
        error => Failure::Unsound(described(&error)),
    }
}

/// The error with its sources, in one line.
pub(super) fn described(error: &Error) -> String {
    match error {
        // It has said what the operating system says.
        Error::Listen { .. } => error.to_string(),
        error => certstore::one_line(error),
    }
}
