//! Plain writes: a version more, made current in the same step.

use certstore_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::end::to_its_end;
use crate::error::BACKEND;
use crate::read::shown_value;
use crate::secrets::{Body, Done, back_off};
use crate::vault::Vault;

/// What stands in a write's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// The secret is scheduled for deletion, or its name is still being deleted.
    Scheduled,
    /// Another was first.
    Raced,
}

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
                    self.budget.refund(secret);
                    writing.nothing();
                }
                Err(error)
            }
        }
    }

    /// Puts a version on a secret; makes it where there is none, restores it where it is deleted.
    async fn put_or_create(&self, secret: &str, id: &str, body: &Body) -> Result<()> {
        // A put before the restore would only fail.
        let known = self.recent.is_scheduled(secret);
        let obstacle = if known {
            Obstacle::Scheduled
        } else {
            match self.put_once(secret, id, body).await? {
                None => return Ok(()),
                Some(obstacle) => obstacle,
            }
        };
        let (vault, secret, id, body) =
            (self.clone(), secret.to_owned(), id.to_owned(), body.clone());
        to_its_end(self.secrets.end(), async move {
            // What this client has scheduled says itself that it is deleted.
            let old = if obstacle == Obstacle::Scheduled && !known {
                vault.scheduled_value(&secret).await?
            } else {
                None
            };
            let put = vault.put_until(&secret, &id, &body, obstacle).await;
            if put.is_err()
                && let Some(old) = old
            {
                vault.give_back(&secret, &old).await;
            }
            put
        })
        .await
    }

    /// Tries until it is written or the time is over.
    async fn put_until(
        &self,
        secret: &str,
        id: &str,
        body: &Body,
        mut obstacle: Obstacle,
    ) -> Result<()> {
        let end = self.secrets.end();
        for attempt in 0.. {
            if obstacle == Obstacle::Scheduled {
                self.restore(secret).await?;
            }
            obstacle = match self.put_once(secret, id, body).await? {
                None => return Ok(()),
                Some(obstacle) => obstacle,
            };
            if obstacle == Obstacle::Scheduled
                && attempt > 1
                && self.secrets.describe(secret).await?.is_some_and(|found| !found.scheduled)
            {
                // It is another service's, which the service tells in the same way.
                return Err(Done::Scheduled.unexpected());
            }
            let pause = back_off(attempt);
            // The try after it takes time as well.
            if Instant::now() + 2 * pause >= end {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        Err(still_deleted())
    }

    /// Writes, unless something stands in the way.
    async fn put_once(&self, secret: &str, id: &str, body: &Body) -> Result<Option<Obstacle>> {
        match self.secrets.put(secret, id, body, None).await? {
            Done::Yes => Ok(None),
            Done::Scheduled => Ok(Some(Obstacle::Scheduled)),
            Done::Missing => match self.secrets.create(secret, id, body).await? {
                Done::Yes => Ok(None),
                Done::Exists => Ok(Some(Obstacle::Raced)),
                Done::Scheduled => Ok(Some(Obstacle::Scheduled)),
                other => Err(other.unexpected()),
            },
            other => Err(other.unexpected()),
        }
    }

    /// The version of a value that another program has scheduled for deletion: restored, it can be read again.
    async fn scheduled_value(&self, secret: &str) -> Result<Option<String>> {
        let found = self.secrets.describe(secret).await?.filter(|found| found.scheduled);
        Ok(found.as_ref().and_then(shown_value).map(str::to_owned))
    }

    /// After a restore that no write came after: what was deleted before is deleted again.
    pub(crate) async fn give_back(&self, secret: &str, old: &str) {
        let vault = self.after_call();
        let given = async {
            match vault.secrets.describe(secret).await? {
                Some(found) if !found.scheduled && found.current() == Some(old) => {
                    vault.schedule(secret, old).await.map(drop)
                }
                _ => Ok(()),
            }
        };
        if let Err(error) = given.await {
            tracing::warn!(secret, %error, "a secret that was to be deleted is not scheduled for it any more");
        }
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
