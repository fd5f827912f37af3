//! Reading single values. A read may lag behind, so one that shows what was before a write of our own is asked again, a
//! few times.

use std::time::{Duration, SystemTime};

use certstore_core::Result;
use tokio::time::Instant;

use crate::secrets::{CURRENT, Described, Found, Got};
use crate::vault::Vault;
use crate::versions::{Kind, kind};

/// How often a read is repeated at most, and the first pause.
pub(crate) const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// What is known of a value without loading it.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) version: String,
    pub(crate) changed: Option<SystemTime>,
}

impl Vault {
    /// The value; `None` where there is none, or a deleted one.
    pub(crate) async fn load(&self, secret: &str) -> Result<Option<Found>> {
        let (mut look, end) = (0, self.secrets.end());
        loop {
            let (found, overtaken) = match self.secrets.get(secret, CURRENT).await? {
                Got::Found(found) if kind(&found.id) != Kind::Tombstone => (Some(found), false),
                Got::Found(_) | Got::Missing => (None, false),
                Got::Scheduled => {
                    let described = self.secrets.describe(secret).await?;
                    (None, described.is_some_and(|described| is_overtaken(&described)))
                }
            };
            let shown = found.as_ref().map(|found| found.id.as_str());
            let again = overtaken || self.recent.is_stale(secret, shown);
            if !again || look == LOOKS || !pause(look, end).await {
                return Ok(found);
            }
            look += 1;
        }
    }

    /// What is known of the value; `None` as for [`load`](Self::load).
    pub(crate) async fn head(&self, secret: &str) -> Result<Option<Head>> {
        let (mut look, end) = (0, self.secrets.end());
        loop {
            let described = self.secrets.describe(secret).await?;
            let overtaken = described.as_ref().is_some_and(is_overtaken);
            let head = described.as_ref().and_then(live);
            let shown = head.as_ref().map(|head| head.version.as_str());
            let again = overtaken || self.recent.is_stale(secret, shown);
            if !again || look == LOOKS || !pause(look, end).await {
                return Ok(head);
            }
            look += 1;
        }
    }
}

/// Waits before the next look. `false`: there is no time for one.
pub(crate) async fn pause(look: u32, end: Instant) -> bool {
    let pause = PAUSE * 2_u32.pow(look);
    // A look takes time as well.
    if Instant::now() + 2 * pause >= end {
        return false;
    }
    tokio::time::sleep(pause).await;
    true
}

/// The version of the value that a secret has, scheduled or not.
pub(crate) fn shown_value(described: &Described) -> Option<&str> {
    described.current().filter(|id| kind(id) != Kind::Tombstone)
}

/// The value of a secret, unless it is deleted.
pub(crate) fn live(described: &Described) -> Option<Head> {
    let version = shown_value(described)?;
    (!described.scheduled).then(|| Head { version: version.to_owned(), changed: described.changed })
}

/// Whether a value was stored between the two steps of a delete: then the deleter restores it at once. It may as well be
/// that another program has scheduled its deletion.
pub(crate) fn is_overtaken(described: &Described) -> bool {
    described.scheduled && shown_value(described).is_some()
}
