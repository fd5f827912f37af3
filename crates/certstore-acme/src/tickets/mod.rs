//! Session tickets that every node of a fleet opens.

mod key;
mod record;
mod rotation;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use certstore_core::{Clock, Error, ErrorKind, Result, Storage, SystemClock};
use rustls::server::ProducesTickets;

use key::TicketKey;
use record::Record;

/// The longest that a ticket may live in TLS 1.3 (RFC 8446, section 4.6.1).
const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// More would only make the record long.
const MOST_KEYS: usize = 64;

/// How often keys of session tickets change, and how long the old ones count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TicketOptions {
    /// How long a key seals new tickets: 12 h.
    pub rotate_every: Duration,
    /// How many keys there are at most, the one that seals among them: 3, at least 2.
    pub keep: usize,
    /// How often the storage is looked at: 5 min. At least four times in `rotate_every`.
    pub check_every: Duration,
}

impl Default for TicketOptions {
    fn default() -> Self {
        Self {
            rotate_every: Duration::from_secs(12 * 3600),
            keep: 3,
            check_every: Duration::from_secs(5 * 60),
        }
    }
}

impl TicketOptions {
    fn check(&self) -> Result<()> {
        let fault = if !(2..=MOST_KEYS).contains(&self.keep) {
            format!("keep is {}; it must be 2 to {MOST_KEYS} keys", self.keep)
        } else if self.check_every.is_zero() || self.rotate_every < 4 * self.check_every {
            "check_every must be over zero, and rotate_every at least four times as long".to_owned()
        } else if self.rotate_every < Duration::from_secs(1) {
            "rotate_every must be at least a second".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::InvalidConfig, format!("session tickets: {fault}")))
    }

    /// For how long every node knows a new key before it seals: each has looked by then, also after one look that
    /// failed.
    fn settling(&self) -> Duration {
        2 * self.check_every
    }

    /// For how long a ticket opens at least.
    fn lifetime(&self) -> Duration {
        let turns = u32::try_from(self.keep.saturating_sub(1)).unwrap_or(u32::MAX);
        let last = self.settling() + self.check_every;
        self.rotate_every.saturating_mul(turns).saturating_sub(last).min(LONGEST_LIFETIME)
    }
}

/// The keys of session tickets, shared through a storage: a client that comes back to another node of the fleet
/// resumes its session there, with TLS 1.2 and 1.3.
///
/// They lie in one value, `stek/keys.json`. The node that first finds the newest key too old adds the next one, by
/// compare-and-set where the storage has it, under a lock else. A new key opens tickets at once and seals them only
/// when every node has had time to see it. While the storage is down the keys stay as they are, and handshakes go on;
/// a node that starts meanwhile has a key of its own until it sees the shared ones.
///
/// # Security
/// Whoever has a key can read the sessions of TLS 1.2 whose tickets it sealed, also later from a recording, and can
/// pose as the server to clients that resume. So shared keys weaken forward secrecy, to the time that a key exists:
/// `keep` times `rotate_every`, 36 h. They are as secret as the private keys beside them: seal the storage. To be rid
/// of all keys at once, delete the value; every node has new ones within `check_every`. A ticket opens for the name
/// alone that its session was for.
///
/// ```
/// use std::sync::Arc;
/// use certstore_acme::{TicketKeys, TicketOptions};
/// use certstore_core::MemoryStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let tickets = TicketKeys::new(Arc::new(MemoryStorage::new()), TicketOptions::default())?;
/// tickets.refresh().await?;
/// # Ok(()) }
/// ```
pub struct TicketKeys {
    storage: Arc<dyn Storage>,
    options: TicketOptions,
    clock: Arc<dyn Clock>,
    keys: RwLock<Keys>,
    /// One refresh at a time.
    turn: tokio::sync::Mutex<()>,
}

/// What this process knows.
struct Keys {
    record: Record,
    /// The key made here before the shared ones were seen; it opens what it has sealed until they next change.
    own: Option<Arc<TicketKey>>,
    /// When the newest was first seen, by the clock's boottime.
    since: Duration,
    /// From when on it seals.
    settled: Duration,
}

impl Keys {
    /// The newest once it is settled, the one before until then.
    fn sealing(&self, now: Duration) -> Option<&Arc<TicketKey>> {
        let before = if now >= self.settled { None } else { self.record.keys.get(1) };
        before.or_else(|| self.record.keys.first())
    }

    fn opening(&self) -> impl Iterator<Item = &Arc<TicketKey>> {
        self.record.keys.iter().chain(&self.own)
    }
}

impl TicketKeys {
    /// Keys in this storage. Begins with a key of its own; [`refresh`](Self::refresh) and
    /// [`maintain`](Self::maintain) look at the storage.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: the options say what cannot be. [`ErrorKind::Other`]: the machine gives no
    /// randomness.
    pub fn new(storage: Arc<dyn Storage>, options: TicketOptions) -> Result<Arc<Self>> {
        Self::with_clock(storage, options, Arc::new(SystemClock))
    }

    /// The same, with a clock.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_clock(
        storage: Arc<dyn Storage>,
        options: TicketOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>> {
        options.check()?;
        let own = Arc::new(TicketKey::generate(0)?);
        let record = Record { keys: vec![Arc::clone(&own)] };
        let now = clock.boottime();
        let keys = RwLock::new(Keys { record, own: Some(own), since: now, settled: now });
        Ok(Arc::new(Self { storage, options, clock, keys, turn: tokio::sync::Mutex::default() }))
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        // Nothing panics between two writes.
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing here waits for the storage.
impl ProducesTickets for TicketKeys {
    fn enabled(&self) -> bool {
        true
    }

    /// The time that a ticket opens at least.
    fn lifetime(&self) -> u32 {
        u32::try_from(self.options.lifetime().as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let now = self.clock.boottime();
        let key = self.read().sealing(now).map(Arc::clone)?;
        key.seal(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let key = self.read().opening().find(|key| cipher.starts_with(&key.id)).map(Arc::clone)?;
        key.open(cipher)
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys")
            .field("storage", &self.storage.backend())
            .field("options", &self.options)
            .field("keys", &self.read().record.keys.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tickets_tests.rs"]
mod tests;
