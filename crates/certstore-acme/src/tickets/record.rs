//! The keys as they lie in the storage.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certstore_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::{ID, SECRET, TicketKey};

/// The form of a record that this code knows.
const FORM: u32 = 1;
/// More than enough for the keys, so that writing one leaves no copies behind.
const ROOM: usize = 16 * 1024;

/// The keys, the newest first.
#[derive(Clone, Default)]
pub(super) struct Record {
    pub(super) keys: Vec<Arc<TicketKey>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    #[serde(default)]
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    id: String,
    created: u64,
    secret: Wiped,
}

/// Text that is wiped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Wiped(String);

impl Drop for Wiped {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl Record {
    /// Reads one.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is none. [`ErrorKind::Unsupported`]: it is of a later form.
    pub(super) fn parse(json: &[u8]) -> Result<Self> {
        let damaged = || {
            let way_out =
                "these are no keys of session tickets; delete them, and new ones are made";
            Error::new(ErrorKind::Corrupt, way_out)
        };
        // What serde says of it could show a part of it.
        let stored: Stored = serde_json::from_slice(json).map_err(|_| damaged())?;
        if stored.version != FORM {
            let message =
                format!("keys of session tickets in form {}; this is form {FORM}", stored.version);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let keys: Option<Vec<_>> = stored.keys.iter().map(StoredKey::parsed).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(damaged)?;
        Ok(Self { keys })
    }

    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        let keys = self.keys.iter().map(|key| StoredKey::of(key)).collect();
        let mut json = Zeroizing::new(Vec::with_capacity(ROOM));
        serde_json::to_writer(&mut *json, &Stored { version: FORM, keys }).map_err(|error| {
            Error::new(ErrorKind::Other, "the keys of session tickets could not be written")
                .with_source(error)
        })?;
        Ok(json)
    }

    /// Whether the newest key has served its time, by a clock that says `now`.
    pub(super) fn is_over(&self, now: u64, rotate_every: Duration) -> bool {
        let newest = self.keys.first();
        newest.is_none_or(|newest| now.saturating_sub(newest.created) >= rotate_every.as_secs())
    }

    /// With a new key before the others, of which at most `keep` stay, and none that is older than that many turns.
    ///
    /// Nodes' clocks differ. The new key is dated a turn after the one before if that is later than `now`, so that a
    /// node whose clock is ahead finds nothing to rotate at once; but by no more than a turn, so that one wrong clock
    /// does not stop rotation for years.
    pub(super) fn rotated(&self, now: u64, rotate_every: Duration, keep: usize) -> Result<Self> {
        let turn = rotate_every.as_secs();
        let next = self.keys.first().map_or(now, |newest| newest.created.saturating_add(turn));
        let created = next.clamp(now, now.saturating_add(turn));
        let oldest = turn.saturating_mul(keep as u64);
        let young = |key: &&Arc<TicketKey>| now.saturating_sub(key.created) < oldest;
        let stay = self.keys.iter().filter(young).take(keep.saturating_sub(1)).cloned();
        let keys = std::iter::once(Arc::new(TicketKey::generate(created)?)).chain(stay).collect();
        Ok(Self { keys })
    }
}

impl StoredKey {
    fn of(key: &TicketKey) -> Self {
        let (id, secret) =
            (BASE64_STANDARD.encode(key.id), Wiped(BASE64_STANDARD.encode(key.secret.as_slice())));
        Self { id, created: key.created, secret }
    }

    fn parsed(&self) -> Option<Arc<TicketKey>> {
        let id: [u8; ID] = BASE64_STANDARD.decode(&self.id).ok()?.try_into().ok()?;
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(&self.secret.0).ok()?);
        let secret = Zeroizing::new(<[u8; SECRET]>::try_from(&decoded[..]).ok()?);
        Some(Arc::new(TicketKey { id, created: self.created, secret }))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("keys", &self.keys).finish()
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
