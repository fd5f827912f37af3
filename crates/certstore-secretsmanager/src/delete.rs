//! Deleting: at once, or in two steps with a window in which it can be taken back.
//!
//! In two steps a sign of deletion becomes the value first, then the secret is scheduled for deletion: so that who
//! restores it, to write it anew, does not bring the old value back. A forced delete has no condition and cannot be
//! taken back, so a conditional one goes in two steps as well, whatever the configuration says.
//!
//! The schedule has no condition either, and hides a value that somebody stores between the two steps. So a look follows
//! it, which takes such a secret off again: in a task of its own, as nobody else would.

use certstore_core::Result;
use certstore_objects::each;

use crate::config::Deleting;
use crate::declared;
use crate::end::to_its_end;
use crate::read::{LOOKS, pause, shown_value};
use crate::secrets::{Done, Removal, back_off};
use crate::vault::{Vault, overrun};

/// How often a delete that meets a store in its middle is tried.
const ATTEMPTS: usize = 4;

/// How many deletes are under way at once.
const CONCURRENCY: usize = 8;

/// How often the look after a schedule is tried when the service does not answer; each time for the whole time-out.
const CHECKS: u32 = 8;

impl Vault {
    /// Deletes a value, as configured; fine when there is none.
    pub(crate) async fn delete(&self, secret: &str) -> Result<()> {
        match self.deleting {
            Deleting::Force => self.delete_now(secret).await,
            Deleting::Recover => self.bury(secret).await,
        }
    }

    /// Deletes values; all are tried, and the first failure is told.
    pub(crate) async fn delete_each(&self, secrets: Vec<String>) -> Result<()> {
        each(secrets, CONCURRENCY, |secret: String| async move { self.delete(&secret).await }).await
    }

    /// Deletes a secret for good.
    pub(crate) async fn delete_now(&self, secret: &str) -> Result<()> {
        let writing = self.recent.begin(secret);
        match self.secrets.delete(secret, Removal::Force).await? {
            Done::Yes | Done::Missing => {
                writing.deleted(false);
                self.budget.forget(secret);
                Ok(())
            }
            other => Err(other.unexpected()),
        }
    }

    /// Deletes a value in two steps.
    pub(crate) async fn bury(&self, secret: &str) -> Result<()> {
        let writing = self.recent.begin(secret);
        for _ in 0..ATTEMPTS {
            let (id, body) = declared::tombstone();
            // A delete is not refused for the count of versions.
            self.budget.spend_anyway(secret);
            match self.secrets.put(secret, &id, &body, None).await? {
                Done::Yes => {}
                Done::Missing => {
                    writing.deleted(false);
                    return Ok(());
                }
                // The service tells of another service's secret in the same way.
                Done::Scheduled if self.is_scheduled(secret).await? => {
                    writing.deleted(true);
                    return Ok(());
                }
                other => return Err(other.unexpected()),
            }
            if self.schedule(secret, &id).await? {
                writing.deleted(true);
                return Ok(());
            }
        }
        Err(overrun().with_may_have_applied(true))
    }

    /// Deletes a value of this version in two steps; `Ok(false)`: it is of another one.
    pub(crate) async fn bury_if(&self, secret: &str, version: &str) -> Result<bool> {
        let (id, body) = declared::tombstone();
        self.budget.spend_anyway(secret);
        let writing = self.recent.begin(secret).over(version);
        match self.swap_current(secret, Some(version), &id, &body).await {
            Ok(true) => {}
            Ok(false) => {
                writing.nothing();
                return Ok(false);
            }
            Err(error) => {
                if !error.may_have_applied() {
                    writing.nothing();
                }
                return Err(error);
            }
        }
        // From here on it is deleted. A secret that stays without its schedule is only one more to pay for.
        match self.schedule(secret, &id).await {
            Ok(true) => writing.deleted(true),
            // Stored again by another client meanwhile: that stands.
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(%error, "the secret of a deleted value stays without a schedule");
                writing.deleted(false);
            }
        }
        Ok(true)
    }

    /// Schedules the deletion of a secret whose current version is `expected`. `false`: a value was stored meanwhile, and
    /// the secret is off its schedule again.
    pub(crate) async fn schedule(&self, secret: &str, expected: &str) -> Result<bool> {
        let (vault, secret, expected) = (self.after_call(), secret.to_owned(), expected.to_owned());
        to_its_end(self.secrets.end(), async move {
            let sent = vault.secrets.delete(&secret, Removal::Window(vault.window)).await;
            match sent {
                Ok(Done::Yes | Done::Scheduled) => {}
                Ok(Done::Missing) => return Ok(true),
                Ok(other) => return Err(other.unexpected()),
                Err(error) if !error.may_have_applied() => return Err(error),
                Err(error) => {
                    vault.check_schedule(&secret, &expected).await?;
                    return Err(error);
                }
            }
            vault.check_schedule(&secret, &expected).await
        })
        .await
    }

    /// Whether the schedule hides only what it should; else it is taken back.
    async fn check_schedule(&self, secret: &str, expected: &str) -> Result<bool> {
        for check in 0.. {
            match self.lift_if_overtaken(secret, expected).await {
                Err(error) if error.is_retryable() && check < CHECKS => {
                    tokio::time::sleep(back_off(check)).await;
                }
                Err(error) => {
                    // What nobody can look at must not stay hidden. The sign of deletion stands, if nothing was stored.
                    if let Err(stays) = self.restore(secret).await {
                        tracing::warn!(
                            secret, %error, %stays,
                            "nobody knows whether a value was stored while this secret was scheduled for deletion; if it \
                             was, restore the secret"
                        );
                    }
                    return Err(error);
                }
                overtaken => return overtaken.map(|overtaken| !overtaken),
            }
        }
        Ok(true)
    }

    async fn lift_if_overtaken(&self, secret: &str, expected: &str) -> Result<bool> {
        let (mut look, end) = (0, self.secrets.end());
        loop {
            match self.secrets.describe(secret).await? {
                // Nothing can be stored any more, so this is what the schedule hides.
                Some(found) if found.scheduled => {
                    let overtaken = shown_value(&found).is_some_and(|current| current != expected);
                    if overtaken {
                        self.restore(secret).await?;
                    }
                    return Ok(overtaken);
                }
                // It lags behind, unless somebody has restored it already, or deleted it for good.
                _ if look < LOOKS && pause(look, end).await => look += 1,
                _ => return Ok(false),
            }
        }
    }

    /// Whether the secret is scheduled for deletion, or gone; asked again, as the answer may lag behind.
    async fn is_scheduled(&self, secret: &str) -> Result<bool> {
        let (mut look, end) = (0, self.secrets.end());
        loop {
            match self.secrets.describe(secret).await? {
                Some(found) if !found.scheduled => {}
                _ => return Ok(true),
            }
            if look == LOOKS || !pause(look, end).await {
                return Ok(false);
            }
            look += 1;
        }
    }
}
