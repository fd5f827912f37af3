//! Conditional writes: a version with a label of its own, then `AWSCURRENT` is moved to it from the version that must
//! have it. The service refuses the move when another version has the label, which is the compare-and-set.
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore_core::{Condition, Error, OsRandom, Random as _, Result, Version};
use tokio::time::Instant;

use crate::end::to_its_end;
use crate::error::conflict;
use crate::put::still_deleted;
use crate::read::{is_overtaken, shown_value};
use crate::secrets::{Body, CURRENT, Described, Done, PREVIOUS, back_off};
use crate::vault::Vault;
use crate::versions::{Kind, is_possible, kind};

/// What the labels of conditional writes begin with; the time in seconds and some chance follow.
const LABEL: &str = "certstore-cas-";

/// When the label of a write that was broken off may be removed: no write takes as long.
const STALE: Duration = Duration::from_secs(15 * 60);

/// How often a move whose reply was lost is looked at.
const LOOKS: u32 = 4;

impl Vault {
    /// Writes a version if the condition holds; `Ok(false)`: it does not.
    pub(crate) async fn put_if(
        &self,
        secret: &str,
        id: &str,
        body: &Body,
        condition: &Condition,
    ) -> Result<bool> {
        let mut writing = self.recent.begin(secret);
        if let Condition::Version(version) = condition {
            writing = writing.over(version.as_str());
        }
        let put = async {
            match condition {
                Condition::Absent => self.create(secret, id, body).await,
                Condition::Version(version) => self.replace(secret, version, id, body).await,
                _ => Err(Error::unsupported("this condition is not known here")),
            }
        };
        match put.await {
            Ok(true) => {
                writing.stored(id);
                Ok(true)
            }
            Ok(false) => {
                writing.nothing();
                Ok(false)
            }
            Err(error) => {
                if !error.may_have_applied() {
                    writing.nothing();
                }
                Err(error)
            }
        }
    }

    async fn replace(
        &self,
        secret: &str,
        version: &Version,
        id: &str,
        body: &Body,
    ) -> Result<bool> {
        let from = version.as_str();
        if !is_possible(from) || kind(from) == Kind::Tombstone {
            return Ok(false);
        }
        self.budget.spend(secret)?;
        self.swap_current(secret, Some(from), id, body).await
    }

    /// Where there is no value there may still be a secret: of a deleted value, or a new one that has none yet.
    async fn create(&self, secret: &str, id: &str, body: &Body) -> Result<bool> {
        let end = self.secrets.end();
        for attempt in 0.. {
            let scheduled = match self.secrets.create(secret, id, body).await? {
                Done::Yes => {
                    self.budget.spend_anyway(secret);
                    return Ok(true);
                }
                Done::Exists => false,
                Done::Scheduled => true,
                other => return Err(other.unexpected()),
            };
            match self.secrets.describe(secret).await? {
                Some(found) if found.current() == Some(id) => return Ok(true),
                // A value that was stored between the two steps of a delete is restored at once by the deleter.
                Some(found) if is_overtaken(&found) && attempt < LOOKS => {}
                // The service has just said that it is scheduled: this answer is older.
                Some(found) if scheduled && !found.scheduled && attempt < LOOKS => {}
                Some(found) if !found.scheduled && shown_value(&found).is_some() => {
                    return Ok(false);
                }
                Some(found) => {
                    let stored = if found.scheduled {
                        self.create_over_schedule(secret, &found, id, body).await?
                    } else {
                        self.budget.spend(secret)?;
                        self.swap_current(secret, found.current(), id, body).await?
                    };
                    // Refused, it may have met another one's store, or the second step of a delete, after which there is
                    // still nothing.
                    if stored || attempt >= LOOKS {
                        return Ok(stored);
                    }
                }
                None => {}
            }
            let pause = back_off(attempt);
            if Instant::now() + pause >= end {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        Err(still_deleted())
    }

    /// Restores and writes, in a task of its own: a caller who goes away between the two would leave a value that somebody
    /// had deleted.
    async fn create_over_schedule(
        &self,
        secret: &str,
        found: &Described,
        id: &str,
        body: &Body,
    ) -> Result<bool> {
        self.budget.spend(secret)?;
        let (vault, secret, id, body) =
            (self.clone(), secret.to_owned(), id.to_owned(), body.clone());
        let from = found.current().map(str::to_owned);
        let old = shown_value(found).map(str::to_owned);
        to_its_end(self.secrets.end(), async move {
            vault.restore(&secret).await?;
            let stored = vault.swap_current(&secret, from.as_deref(), &id, &body).await;
            if !matches!(stored, Ok(true))
                && let Some(old) = old
            {
                vault.give_back(&secret, &old).await;
            }
            stored
        })
        .await
    }

    /// Makes a new version current in place of `from`; `Ok(false)`: another one is.
    pub(crate) async fn swap_current(
        &self,
        secret: &str,
        from: Option<&str>,
        id: &str,
        body: &Body,
    ) -> Result<bool> {
        let label = label(SystemTime::now());
        let aside = self.put_aside(secret, from, id, body, &label).await;
        // A version that is put aside is no value, but the very first one of a secret.
        let aside = aside.map_err(|error| {
            let unclear = error.may_have_applied() && from.is_none();
            error.with_may_have_applied(unclear)
        });
        if !aside? {
            return Ok(false);
        }
        let moved = self.move_current(secret, from, id).await;
        // Left on, it would be one of the 20 that a secret can have; what fails here is removed later.
        if let Err(error) = self.secrets.move_stage(secret, &label, Some(id), None).await {
            tracing::debug!(%error, "the label of a conditional write stays for a while");
        }
        moved
    }

    /// Adds the version with a label of its own. `false`: the condition does not hold.
    async fn put_aside(
        &self,
        secret: &str,
        from: Option<&str>,
        id: &str,
        body: &Body,
        label: &str,
    ) -> Result<bool> {
        let end = self.secrets.end();
        for attempt in 0.. {
            let limit = match self.secrets.put(secret, id, body, Some(label)).await? {
                Done::Yes => return Ok(true),
                Done::Missing => return Ok(false),
                Done::Scheduled => None,
                Done::Limit(answer) => Some(answer),
                other => return Err(other.unexpected()),
            };
            let Some(found) = self.secrets.describe(secret).await? else { return Ok(false) };
            if found.current() != from {
                return Ok(false);
            }
            // Scheduled over a value that was stored in between: the deleter restores it at once. Over the limit: others
            // that try the same remove their labels soon.
            let crowded = self.sweep(secret, &found).await? || has_labels(&found);
            let pause = back_off(attempt);
            if Instant::now() + pause >= end || (limit.is_none() && attempt >= LOOKS) {
                return limit.map_or(Ok(false), |answer| Err(Done::Limit(answer).unexpected()));
            }
            if let Some(answer) = limit.filter(|_| !crowded) {
                return Err(Done::Limit(answer).unexpected());
            }
            tokio::time::sleep(pause).await;
        }
        Ok(false)
    }

    /// The compare-and-set. When its reply is lost, the labels tell.
    async fn move_current(&self, secret: &str, from: Option<&str>, id: &str) -> Result<bool> {
        let mut unclear: Option<Error> = None;
        for look in 0..LOOKS {
            match self.secrets.move_stage(secret, CURRENT, from, Some(id)).await {
                Ok(Done::Yes) => return Ok(true),
                Ok(Done::Missing | Done::Scheduled) if unclear.is_none() => return Ok(false),
                Ok(Done::Refused | Done::Missing | Done::Scheduled) => {}
                Ok(other) => return Err(other.unexpected()),
                Err(error) if error.may_have_applied() => unclear = Some(error),
                Err(error) => return Err(error.with_may_have_applied(unclear.is_some())),
            }
            let found = match self.secrets.describe(secret).await {
                Ok(found) => found.unwrap_or_default(),
                Err(error) => return Err(error.with_may_have_applied(unclear.is_some())),
            };
            if found.current() == Some(id) {
                return Ok(true);
            }
            match unclear.take() {
                // A version without a value before it has the label from the start.
                None => return Ok(false),
                Some(_) if found.staged(PREVIOUS) == Some(id) => return Ok(true),
                // Somebody else's is current: before ours came, or after.
                Some(error) if found.current() != from => return Err(error),
                Some(error) => unclear = Some(error),
            }
            tokio::time::sleep(back_off(look)).await;
        }
        Err(unclear.unwrap_or_else(conflict))
    }

    /// Removes labels of writes that were broken off long ago. Whether there were any.
    async fn sweep(&self, secret: &str, found: &Described) -> Result<bool> {
        let now = SystemTime::now();
        let mut swept = false;
        for (id, stages) in &found.stages {
            for stage in stages.iter().filter(|stage| is_stale(stage, now)) {
                self.secrets.move_stage(secret, stage, Some(id), None).await?;
                swept = true;
            }
        }
        Ok(swept)
    }
}

/// A label that no other write has.
fn label(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{LABEL}{seconds}-{:032x}", OsRandom.next_u128())
}

fn has_labels(found: &Described) -> bool {
    found.stages.values().flatten().any(|stage| stage.starts_with(LABEL))
}

/// Clocks of others are not compared for anything but this: a label that goes too early costs nothing but the version's
/// place in lists of versions.
fn is_stale(stage: &str, now: SystemTime) -> bool {
    let seconds = stage.strip_prefix(LABEL).and_then(|rest| rest.split_once('-')?.0.parse().ok());
    seconds.is_some_and(|seconds| {
        now.duration_since(UNIX_EPOCH + Duration::from_secs(seconds)).is_ok_and(|age| age > STALE)
    })
}

#[cfg(test)]
#[path = "conditional_tests.rs"]
mod tests;
