//! Deleting: at once, or in two steps with a window in which it can be taken back.
//!
//! In two steps a sign of deletion becomes the value first, then the secret is scheduled for deletion: so that who
//! restores it, to write it anew, does not bring the old value back. A forced delete has no condition and cannot be
//! taken back, so a conditional one goes in two steps as well, whatever the configuration says.

use certstore_core::Result;
use futures_util::{StreamExt as _, stream};

use crate::config::Deleting;
use crate::declared;
use crate::read::is_overtaken;
use crate::secrets::{Done, Removal};
use crate::vault::{Vault, overrun};

/// How often a delete that meets a store in its middle is tried.
const ATTEMPTS: usize = 4;

/// How many deletes are under way at once.
const CONCURRENCY: usize = 8;

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
        let mut deletes = stream::iter(secrets)
            .map(async |secret| self.delete(&secret).await)
            .buffer_unordered(CONCURRENCY);
        let mut failed = Ok(());
        while let Some(done) = deletes.next().await {
            failed = failed.and(done);
        }
        failed
    }

    /// Deletes a secret for good.
    pub(crate) async fn delete_now(&self, secret: &str) -> Result<()> {
        let writing = self.recent.begin(secret);
        match self.secrets.delete(secret, Removal::Force).await? {
            Done::Yes | Done::Missing => {
                writing.deleted(false);
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
                Done::Scheduled => {
                    writing.deleted(true);
                    return Ok(());
                }
                other => return Err(other.unexpected()),
            }
            if self.schedule(secret).await? {
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
        let writing = self.recent.begin(secret);
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
        match self.schedule(secret).await {
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

    /// Schedules the deletion of a secret whose value is deleted. `false`: a value was stored meanwhile, and the secret is
    /// off its schedule again.
    async fn schedule(&self, secret: &str) -> Result<bool> {
        match self.secrets.delete(secret, Removal::Window(self.window)).await? {
            Done::Yes | Done::Missing | Done::Scheduled => {}
            other => return Err(other.unexpected()),
        }
        let found = self.secrets.describe(secret).await?;
        let overtaken = found.is_some_and(|found| is_overtaken(&found));
        if overtaken {
            self.restore(secret).await?;
        }
        Ok(!overtaken)
    }
}
