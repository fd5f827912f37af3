//! Waking those who wait for a lock.

use certstore_core::lease::Wake;
use tokio::sync::broadcast::error::RecvError;

use crate::connection::{Connection, Notice};

/// Completes at the next release of `name`, and whenever one may have been missed.
///
/// All waiters of a process share one subscription. It begins with the first of them, who then looks once more: the
/// release may have come before it.
pub(crate) fn at_release(connection: &Connection, channel: &str, name: &str) -> Wake {
    let mut notices = connection.notices();
    let subscribed = connection.is_subscribed(channel.as_bytes());
    let (connection, channel, name) = (connection.clone(), channel.to_owned(), name.to_owned());
    Box::pin(async move {
        if !subscribed {
            match connection.subscribe(channel.as_bytes()).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!(%error, "releases are not told; waiting by polls");
                    std::future::pending::<()>().await;
                }
            }
        }
        loop {
            match notices.recv().await {
                Ok(Notice::Message { channel: from, payload }) => {
                    if *from == *channel.as_bytes() && *payload == *name.as_bytes() {
                        return;
                    }
                }
                Ok(Notice::Reconnected) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending::<()>().await,
            }
        }
    })
}
