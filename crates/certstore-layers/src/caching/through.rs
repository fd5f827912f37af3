//! The backing storage, read through the local copy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certstore_core::{
    ErrorKind, Key, KeyInfo, Random, Result, Storage, Version, VersionKind, Versioned,
};
use futures_util::future::join_all;

use super::copy::{Copied, Kept, LocalCopy};
use super::flights::{Entered, Flights, Loaded, Share};
use super::notices::Notices;
use super::options::{CachingOptions, CopyOptions, Freshness};
use super::outage::{Ask, Outage};

/// A backing storage with a copy before it.
pub(super) struct Through {
    pub(super) backing: Arc<dyn Storage>,
    pub(super) copy: Arc<LocalCopy>,
    pub(super) outage: Outage,
    flights: Arc<Flights>,
    random: Arc<dyn Random>,
    stale_limit: Duration,
    freshness: Freshness,
    /// Ends with it.
    _notices: Option<Notices>,
}

/// What a question about a known version gives.
enum Answer {
    Unchanged(Copied),
    Value(Loaded),
}

impl Through {
    /// # Errors
    /// Of the storage that the copy lies in.
    pub(super) async fn open(
        backing: Arc<dyn Storage>,
        copy: &CopyOptions,
        options: &CachingOptions,
    ) -> Result<Self> {
        let clock = options.clock.clone();
        let (limit, interval) = (copy.stale_limit, copy.retry_interval);
        let outage = Outage::new(backing.backend(), limit, interval, clock.clone());
        let flights = Arc::new(Flights::default());
        let local = Arc::new(LocalCopy::open(copy, clock.clone()).await?);
        let notices = backing
            .capabilities()
            .watch
            .then(|| Notices::start(backing.clone(), local.clone(), flights.clone(), clock));
        Ok(Self {
            backing,
            copy: local,
            outage,
            flights,
            random: options.random.clone(),
            stale_limit: copy.stale_limit,
            freshness: copy.freshness,
            _notices: notices,
        })
    }

    /// The value, from the copy where that may be.
    pub(super) async fn load(&self, key: &Key) -> Result<Bytes> {
        let limit = match self.freshness {
            Freshness::Validated => return self.ask_or_serve(key, Share::Later).await.map(value),
            Freshness::MaxAge(limit) => limit,
        };
        if let Some(copied) = self.copy.get(key).await
            && copied.fresh
            && copied.age <= limit
        {
            return Ok(copied.value);
        }
        self.ask_or_serve(key, Share::Running).await.map(value)
    }

    /// The value with its version, which the backing storage has just confirmed, or does not answer for.
    pub(super) async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        if self.has_versions() {
            let loaded = self.ask_or_serve(key, Share::Later).await?;
            if let Some(version) = loaded.version {
                return Ok(Versioned { value: loaded.value, version });
            }
        }
        // It has none, and says so; or the copy came with a bundle, without its version.
        let found = self.backing.load_versioned(key).await;
        self.outage.note(&found);
        found
    }

    fn has_versions(&self) -> bool {
        self.backing.capabilities().version != VersionKind::None
    }

    async fn ask_or_serve(&self, key: &Key, share: Share) -> Result<Loaded> {
        // Before the queue: behind whoever asks, each would wait for the time-out.
        let ask = self.outage.ask();
        if ask == Ask::Down
            && let Some(copied) = self.servable(key).await
        {
            return Ok(stale(key, copied));
        }
        let entered = self.flights.enter(key);
        entered.share(share, self.fetch(&entered, ask == Ask::Probe)).await
    }

    /// The copy of `key` that may be served during an outage.
    async fn servable(&self, key: &Key) -> Option<Copied> {
        self.copy.get(key).await.filter(|copied| self.is_servable(copied))
    }

    fn is_servable(&self, copied: &Copied) -> bool {
        !self.stale_limit.is_zero() && copied.age <= self.stale_limit
    }

    async fn fetch(&self, entered: &Entered<'_>, probe: bool) -> Result<Loaded> {
        let (key, epoch) = (entered.key(), entered.epoch());
        let copied = self.copy.get(key).await;
        if !probe
            && self.outage.is_down()
            && let Some(copied) = copied.clone().filter(|copied| self.is_servable(copied))
        {
            return Ok(stale(key, copied));
        }
        let answer = self.ask(key, copied.as_ref()).await;
        self.outage.note(&answer);
        let unchanged = || entered.epoch() == epoch;
        match answer {
            Ok(Answer::Unchanged(copied)) => {
                self.copy.confirm(key, &copied, unchanged()).await;
                Ok(Loaded { value: copied.value, version: copied.version })
            }
            Ok(Answer::Value(loaded)) => {
                if unchanged() {
                    let Loaded { value, version } = loaded.clone();
                    self.copy.put(key, Kept { value, version, set: None, fresh: true }).await;
                }
                Ok(loaded)
            }
            // Asked anew: during a long time-out, a copy becomes too old, or is replaced by a write of this host.
            Err(error) if error.is_retryable() => {
                self.servable(key).await.map(|copied| stale(key, copied)).ok_or(error)
            }
            Err(error) => {
                if error.kind() == ErrorKind::NotFound && copied.is_some() && unchanged() {
                    self.copy.remove(key).await;
                }
                Err(error)
            }
        }
    }

    /// Asks for the version where one is known, and for the value where it is another.
    async fn ask(&self, key: &Key, copied: Option<&Copied>) -> Result<Answer> {
        if let Some(copied) = copied
            && copied.version.is_some()
            && self.has_versions()
        {
            match self.backing.stat(key).await {
                Ok(info) if info.version == copied.version => {
                    return Ok(Answer::Unchanged(copied.clone()));
                }
                Err(error) if error.is_retryable() => return Err(error),
                // Another version, none, or a right that is missing: the load says what is so.
                _ => {}
            }
        }
        if self.has_versions() {
            let found = self.backing.load_versioned(key).await?;
            Ok(Answer::Value(Loaded { value: found.value, version: Some(found.version) }))
        } else {
            let value = self.backing.load(key).await?;
            Ok(Answer::Value(Loaded { value, version: None }))
        }
    }

    /// Several values: one call, and the copies where it fails.
    pub(super) async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        if self.outage.ask() == Ask::Down {
            // Each is served, or asks by itself.
            return join_all(keys.iter().map(|key| self.load(key))).await;
        }
        let entered = self.enter_all(keys);
        let mut results = self.backing.load_many(keys).await;
        for ((entered, epoch), result) in entered.iter().zip(&mut results) {
            self.outage.note(result);
            let key = entered.key();
            match result {
                Ok(value) if entered.epoch() == *epoch => {
                    let (value, version, set) = (value.clone(), None, None);
                    self.copy.put(key, Kept { value, version, set, fresh: true }).await;
                }
                Err(error) if error.is_retryable() => {
                    if let Some(copied) = self.servable(key).await {
                        *result = Ok(stale(key, copied).value);
                    }
                }
                _ => {}
            }
        }
        results
    }

    fn enter_all(&self, keys: &[&Key]) -> Vec<(Entered<'_>, u64)> {
        let enter = |key: &&Key| {
            let entered = self.flights.enter(key);
            let epoch = entered.epoch();
            (entered, epoch)
        };
        keys.iter().map(enter).collect()
    }

    /// A bundle: from the backing storage, else from copies that came together.
    pub(super) async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        if self.outage.ask() == Ask::Down
            && let Some(values) = self.servable_bundle(keys).await
        {
            return Ok(values);
        }
        let entered = self.enter_all(keys);
        let found = self.backing.load_bundle(keys).await;
        self.outage.note(&found);
        match found {
            Ok(values) => {
                let set = Some(self.random.next_u128());
                for ((entered, epoch), value) in entered.iter().zip(&values) {
                    if entered.epoch() == *epoch {
                        let (value, version) = (value.clone(), None);
                        self.copy
                            .put(entered.key(), Kept { value, version, set, fresh: true })
                            .await;
                    }
                }
                Ok(values)
            }
            Err(error) if error.is_retryable() => self.servable_bundle(keys).await.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// The copies of a bundle, if all of them came with one store or load of it: a key never goes with another key's
    /// certificate.
    async fn servable_bundle(&self, keys: &[&Key]) -> Option<Vec<Bytes>> {
        let mut values = Vec::with_capacity(keys.len());
        let mut of = None;
        for key in keys {
            let copied = self.servable(key).await?;
            let set = copied.set?;
            if *of.get_or_insert(set) != set {
                return None;
            }
            values.push(stale(key, copied).value);
        }
        of.map(|_| values)
    }

    /// Whether there is a value or a directory. During an outage, a value with a copy is there.
    pub(super) async fn exists(&self, key: &Key) -> Result<bool> {
        if self.outage.ask() == Ask::Down && self.servable(key).await.is_some() {
            return Ok(true);
        }
        let found = self.backing.exists(key).await;
        self.outage.note(&found);
        match found {
            Err(error) if error.is_retryable() => {
                self.servable(key).await.map(|_| true).ok_or(error)
            }
            found => found,
        }
    }

    /// What is known of a key. During an outage, what the copy tells.
    pub(super) async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        if self.outage.ask() == Ask::Down
            && let Some(copied) = self.servable(key).await
        {
            return Ok(info(key, copied));
        }
        let found = self.backing.stat(key).await;
        self.outage.note(&found);
        match found {
            Err(error) if error.is_retryable() => {
                self.servable(key).await.map(|copied| info(key, copied)).ok_or(error)
            }
            found => found,
        }
    }

    /// Begins a write of one value: whatever becomes of it, the copy is not known to be fresh any more.
    pub(super) fn writing(&self, key: &Key) -> Writing<'_> {
        let entered = self.flights.enter(key);
        let epoch = entered.change();
        self.copy.doubt(key);
        Writing { through: self, entered, epoch }
    }

    /// Ends a delete of a value or a subtree.
    pub(super) async fn deleted(&self, key: &Key, result: &Result<()>) {
        self.outage.note(result);
        self.flights.changed_below(key);
        if result.is_ok() {
            self.copy.remove_below(key).await;
        }
    }

    /// Begins a delete of a subtree.
    pub(super) fn deleting(&self, key: &Key) {
        self.flights.changed_below(key);
        self.copy.doubt_below(key);
    }

    /// A number for what is stored as one.
    pub(super) fn new_set(&self) -> u128 {
        self.random.next_u128()
    }
}

/// A write that is on its way.
pub(super) struct Writing<'a> {
    through: &'a Through,
    entered: Entered<'a>,
    epoch: u64,
}

impl Writing<'_> {
    /// The value is stored: the copy has it too. When somebody else wrote meanwhile, which is the last is not known.
    pub(super) async fn stored(self, value: &[u8], version: Option<Version>, set: Option<u128>) {
        let fresh = self.entered.epoch() == self.epoch;
        self.entered.change();
        let kept = Kept { value: Bytes::copy_from_slice(value), version, set, fresh };
        self.through.copy.put(self.entered.key(), kept).await;
    }

    /// The value is gone.
    pub(super) async fn deleted(self) {
        self.entered.change();
        self.through.copy.remove(self.entered.key()).await;
    }
}

impl Drop for Writing<'_> {
    /// Who loads meanwhile must not keep what comes.
    fn drop(&mut self) {
        self.entered.change();
    }
}

fn value(loaded: Loaded) -> Bytes {
    loaded.value
}

fn info(key: &Key, copied: Copied) -> KeyInfo {
    let mut info = KeyInfo::file(key.clone()).with_size(copied.value.len() as u64);
    info.version = copied.version;
    info
}

fn stale(key: &Key, copied: Copied) -> Loaded {
    tracing::debug!(%key, age = ?copied.age, "served from the local copy: the backing storage does not answer");
    Loaded { value: copied.value, version: copied.version }
}
