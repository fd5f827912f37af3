//! Plain writes: a version more, made current in the same step.

use certstore_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::error::BACKEND;
use crate::secrets::{Body, Done, back_off};
use crate::vault::Vault;

impl Vault {
    /// Writes a version whatever is there.
    pub(crate) async fn put(&self, secret: &str, id: &str, body: &Body) -> Result<()> {
        self.budget.spend(secret)?;
        let writing = self.recent.begin(secret);
        match self.put_or_create(secret, id, body).await {
            Ok(()) => {
                writing.stored(id);
                Ok(())
            }
            Err(error) => {
                if !error.may_have_applied() {
                    writing.nothing();
                }
                Err(error)
            }
        }
    }

    /// Puts a version on a secret; makes it where there is none, restores it where it is deleted.
    async fn put_or_create(&self, secret: &str, id: &str, body: &Body) -> Result<()> {
        let end = Instant::now() + self.secrets.timeout;
        // A put before that would only fail.
        if self.recent.is_scheduled(secret) {
            self.restore(secret).await?;
        }
        for attempt in 0.. {
            match self.secrets.put(secret, id, body, None).await? {
                Done::Yes => return Ok(()),
                Done::Scheduled if attempt == 0 => drop(self.restore(secret).await?),
                Done::Missing => match self.secrets.create(secret, id, body).await? {
                    Done::Yes => return Ok(()),
                    // Another was first, or the name is still being deleted.
                    Done::Exists => {}
                    Done::Scheduled => drop(self.restore(secret).await?),
                    other => return Err(other.unexpected()),
                },
                other => return Err(other.unexpected()),
            }
            let pause = back_off(attempt);
            if Instant::now() + pause >= end {
                break;
            }
            if attempt > 0 {
                tokio::time::sleep(pause).await;
            }
        }
        Err(still_deleted())
    }

    /// Takes a secret off its schedule; `false` where there is none.
    pub(crate) async fn restore(&self, secret: &str) -> Result<bool> {
        match self.secrets.restore(secret).await? {
            Done::Yes => {
                self.recent.restored(secret);
                Ok(true)
            }
            Done::Missing | Done::Scheduled => {
                self.recent.restored(secret);
                Ok(false)
            }
            other => Err(other.unexpected()),
        }
    }
}

/// A forced delete goes on after its answer, and blocks the name until it is done.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>
pub(crate) fn still_deleted() -> Error {
    let message = "the secret of this name is still being deleted; retry";
    Error::new(ErrorKind::Unavailable, message).with_backend(BACKEND)
}
