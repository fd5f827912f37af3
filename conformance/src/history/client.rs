//! A client that locks, stores and loads at random, and records it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use certstore_core::{
    Capabilities, Cas, Condition, Error, ErrorKind, Fence, Key, Lock, Release, Result, Storage,
    SystemClock, Validity, Version, VersionKind,
};

use super::log::{Recorder, now};
use super::value::{decode, encode};
use super::{Call, Dice, Outcome};
use crate::context::{key, name};

/// What the clients of one run do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many locks, each with a key for fenced writes.
    pub(crate) names: u64,
    /// How many keys without a lock.
    pub(crate) keys: u64,
    /// The longest time between two writes of a holder.
    pub(crate) hold: Duration,
    /// The longest time between two rounds.
    pub(crate) idle: Duration,
}

/// One client. Its number tells its values from all others'.
pub(crate) struct Client {
    number: u64,
    storage: Arc<dyn Storage>,
    can: Capabilities,
    record: Recorder,
    dice: Dice,
    plan: Plan,
    values: u64,
}

/// The guard of a lost lock, as a process has it that was stopped between its check and its write.
struct Nothing;

#[async_trait]
impl Release for Nothing {
    async fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Client {
    /// `number` is under two to the power of 31.
    pub(crate) fn new(
        number: u64,
        storage: Arc<dyn Storage>,
        record: Recorder,
        seed: u64,
        plan: Plan,
    ) -> Self {
        let can = storage.capabilities();
        let dice = Dice::new(seed ^ (number << 32));
        Self { number, storage, can, record, dice, plan, values: 0 }
    }

    /// Goes on until it is told to stop, and ends with nothing in hand.
    pub(crate) async fn rounds(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            self.round().await;
        }
    }

    /// One possession of a lock, or one operation without.
    pub(crate) async fn round(&mut self) {
        if self.dice.below(10) < 6 {
            self.locked().await;
        } else {
            self.plain().await;
        }
        self.record.rest();
        tokio::time::sleep(self.plan.idle.mul_f64(self.dice.unit())).await;
    }

    async fn plain(&mut self) {
        let at = key(&format!("soak/plain-{}", self.dice.below(self.plan.keys)));
        let seen = self.load(&at).await;
        let conditional = self.can.cas == Cas::Full && self.can.version != VersionKind::None;
        match self.dice.below(4) {
            0 => {}
            1 => {
                let value = self.value();
                let call = Call::Store { value };
                let storage = self.storage.clone();
                self.write(&at, call, async |bytes| storage.store(&at, &bytes).await).await;
            }
            _ if conditional => self.conditional(&at, seen).await,
            _ => drop(self.load(&at).await),
        }
    }

    /// Writes over what was loaded a moment ago, or where nothing was.
    async fn conditional(&mut self, at: &Key, seen: Option<Option<(u64, Version)>>) {
        let value = self.value();
        let (call, condition) = match seen {
            Some(Some((expected, version))) => {
                (Call::Replace { value, expected }, Condition::Version(version))
            }
            Some(None) => (Call::Create { value }, Condition::Absent),
            None => return,
        };
        let storage = self.storage.clone();
        self.write(at, call, async |bytes| storage.store_if(at, &bytes, &condition).await).await;
    }

    async fn locked(&mut self) {
        let number = self.dice.below(self.plan.names);
        let (name, at) = (name(&format!("soak-{number}")), key(&format!("soak/fenced-{number}")));
        self.record.asked(name.as_str());
        let lock = match self.storage.lock(&name).await {
            Ok(lock) => lock,
            Err(error) => return self.trouble(&error).await,
        };
        let first = now();
        if lock.check().is_ok() {
            self.record.entered(first, name.as_str(), lock.token().0);
            self.hold(lock, &at).await;
        }
    }

    async fn hold(&mut self, lock: Lock, at: &Key) {
        for _ in 0..=self.dice.below(3) {
            if self.can.fence != Fence::None {
                self.fenced(at, &lock).await;
                drop(self.load(at).await);
            }
            tokio::time::sleep(self.plan.hold.mul_f64(self.dice.unit())).await;
            let before = now();
            match lock.check() {
                Ok(()) => self.record.held(before),
                Err(error) if error.kind() == ErrorKind::LockLost => {
                    self.record.lost();
                    return self.after_loss(lock, at).await;
                }
                // It may be proven again.
                Err(_) => {}
            }
        }
        let before = now();
        match lock.unlock().await {
            Ok(()) => self.record.freed(before),
            Err(error) if error.kind() == ErrorKind::LockLost => self.record.lost(),
            Err(error) => self.trouble(&error).await,
        }
    }

    /// What a holder writes after the loss is refused: by its guard, and without it by the fence.
    async fn after_loss(&mut self, lock: Lock, at: &Key) {
        if self.can.fence == Fence::None {
            return;
        }
        if self.fenced(at, &lock).await == Some(Outcome::Done) {
            self.record.odd(&format!("the holder of lost token {} wrote", lock.token()));
        }
        let late = Lock::new(
            lock.name().clone(),
            lock.token(),
            lock.locker_id().clone(),
            Validity::unlimited(Arc::new(SystemClock)),
            Box::new(Nothing),
        );
        self.fenced(at, &late).await;
    }

    async fn fenced(&mut self, at: &Key, lock: &Lock) -> Option<Outcome> {
        let value = self.value();
        let name = lock.name().as_str().to_owned();
        let call = Call::Fenced { value, name, token: lock.token().0 };
        let storage = self.storage.clone();
        self.write(at, call, async |bytes| storage.store_fenced(at, &bytes, lock).await).await
    }

    fn value(&mut self) -> u64 {
        self.values += 1;
        (self.number << 32) | self.values
    }

    /// The value and its version, `None` where there is no value; nothing after an error.
    async fn load(&mut self, at: &Key) -> Option<Option<(u64, Version)>> {
        let call = self.record.called(at.as_str(), &Call::Load);
        let loaded = if self.can.version == VersionKind::None {
            self.storage.load(at).await.map(|value| (value, Version::new("")))
        } else {
            self.storage.load_versioned(at).await.map(|found| (found.value, found.version))
        };
        match loaded {
            Ok((bytes, version)) => {
                let value = decode(&bytes);
                let shown = self.shown(&version);
                let outcome = value.map(|value| Outcome::Saw(Some(value)));
                self.record.returned(call, outcome, shown);
                if value.is_none() {
                    self.record.odd(&format!("{at} was torn: {} bytes", bytes.len()));
                }
                value.map(|value| Some((value, version)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.record.returned(call, Some(Outcome::Saw(None)), None);
                Some(None)
            }
            Err(error) => {
                self.record.returned(call, None, None);
                self.trouble(&error).await;
                None
            }
        }
    }

    async fn write(
        &mut self,
        at: &Key,
        call: Call,
        store: impl AsyncFnOnce(Vec<u8>) -> Result<Version>,
    ) -> Option<Outcome> {
        let bytes = encode(call.value().unwrap_or_default());
        let number = self.record.called(at.as_str(), &call);
        let stored = store(bytes).await;
        let refusal = |kind| match call {
            Call::Fenced { .. } => {
                matches!(kind, ErrorKind::Fenced | ErrorKind::LockLost | ErrorKind::Conflict)
            }
            Call::Create { .. } | Call::Replace { .. } => kind == ErrorKind::Conflict,
            _ => false,
        };
        let (outcome, error) = match stored {
            Ok(version) => {
                self.record.returned(number, Some(Outcome::Done), self.shown(&version));
                return Some(Outcome::Done);
            }
            Err(error) if error.may_have_applied() => (Some(Outcome::Unknown), Some(error)),
            Err(error) if refusal(error.kind()) => (Some(Outcome::Refused), None),
            Err(error) => (None, Some(error)),
        };
        self.record.returned(number, outcome, None);
        if let Some(error) = error {
            self.trouble(&error).await;
        }
        outcome
    }

    /// A number for a version, the same in every process of this program.
    fn shown(&self, version: &Version) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        version.as_str().hash(&mut hasher);
        (self.can.version != VersionKind::None).then(|| hasher.finish())
    }

    /// A retryable error is waited out; any other has no place in a run.
    async fn trouble(&mut self, error: &Error) {
        if error.is_retryable() || error.kind() == ErrorKind::LockLost {
            self.record.retryable();
        } else {
            self.record.odd(&format!("unexpected error: {error:?}"));
        }
        tokio::time::sleep(Duration::from_millis(10 + self.dice.below(40))).await;
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("number", &self.number).finish_non_exhaustive()
    }
}
