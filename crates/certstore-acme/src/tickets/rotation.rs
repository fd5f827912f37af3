//! The keys here and the keys in the storage.

use std::convert::Infallible;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use certstore_core::{
    Cas, Condition, ErrorKind, Fence, Key, Lock, LockName, OsRandom, Random as _, Result, Version,
    with_lock,
};

use super::{Record, TicketKeys};

/// Where the keys lie.
const KEY: &str = "stek/keys.json";
/// What orders their writers where the storage cannot write on a condition.
const LOCK: &str = "certstore_stek";
/// After a failure the storage is looked at again after this part of the usual time.
const SOONER: u32 = 5;

impl TicketKeys {
    /// Looks at the storage: takes the keys that are there, and adds a new one if the newest has served its time, or
    /// if there is none.
    ///
    /// # Errors
    /// Of the storage; [`ErrorKind::Corrupt`]: what lies there is no record of keys; [`ErrorKind::Unsupported`]: it
    /// is one of a later version. The keys here stay as they are.
    ///
    /// # Cancel safety
    /// Dropped, it may have written a new key to the storage, which the next call takes.
    pub async fn refresh(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        let key: Key = KEY.parse()?;
        let record = match self.load(&key).await? {
            Some((record, _)) if !self.is_over(&record) => record,
            found if self.storage.capabilities().cas == Cas::Full => self.swap(&key, found).await?,
            _ => self.rotate_locked(&key).await?,
        };
        self.adopt(record);
        Ok(())
    }

    /// Looks at the storage again and again, for as long as it is polled; what goes wrong is logged, once until it
    /// goes well again. Run it in a task beside the server.
    ///
    /// # Cancel safety
    /// Drop it whenever; as [`refresh`](Self::refresh).
    pub async fn maintain(&self) -> Infallible {
        let mut failing = false;
        loop {
            let refreshed = self.refresh().await;
            match &refreshed {
                Ok(()) if failing => tracing::info!("keys of session tickets are shared again"),
                Err(error) if !failing => {
                    tracing::warn!(%error, "keys of session tickets stay as they are");
                }
                _ => {}
            }
            failing = refreshed.is_err();
            let every = self.options.check_every;
            let pause = if failing { every / SOONER } else { every };
            // Earlier by up to a quarter: nodes that started together spread.
            self.clock.sleep(pause.mul_f64(1.0 - OsRandom.next_unit() / 4.0)).await;
        }
    }

    async fn load(&self, key: &Key) -> Result<Option<(Record, Option<Version>)>> {
        let loaded: Result<(Bytes, _)> = if self.storage.capabilities().cas == Cas::Full {
            let versioned = self.storage.load_versioned(key).await;
            versioned.map(|versioned| (versioned.value, Some(versioned.version)))
        } else {
            self.storage.load(key).await.map(|value| (value, None))
        };
        match loaded {
            Ok((json, version)) => {
                let record = Record::parse(&json).map_err(|error| error.with_key(key))?;
                Ok(Some((record, version)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// By compare-and-set: who comes second takes what the first has written.
    async fn swap(&self, key: &Key, found: Option<(Record, Option<Version>)>) -> Result<Record> {
        let (record, version) = found.unwrap_or_default();
        let condition = version.map_or(Condition::Absent, Condition::Version);
        let next = self.next(&record)?;
        match self.storage.store_if(key, &next.to_json()?, &condition).await {
            Ok(_) => Ok(next),
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.load(key).await?.map(|(record, _)| record).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn rotate_locked(&self, key: &Key) -> Result<Record> {
        let lock = LockName::new(LOCK)?;
        with_lock(&*self.storage, &lock, async |lock| self.rotate(key, lock).await).await?
    }

    /// Under the lock: who comes second finds that it is done.
    async fn rotate(&self, key: &Key, lock: &Lock) -> Result<Record> {
        let record = match self.load(key).await? {
            Some((record, _)) if !self.is_over(&record) => return Ok(record),
            found => found.map(|(record, _)| record).unwrap_or_default(),
        };
        let next = self.next(&record)?;
        let json = next.to_json()?;
        lock.check()?;
        if self.storage.capabilities().fence == Fence::None {
            self.storage.store(key, &json).await?;
        } else {
            self.storage.store_fenced(key, &json, lock).await?;
        }
        Ok(next)
    }

    fn next(&self, record: &Record) -> Result<Record> {
        record.rotated(self.wall(), self.options.rotate_every, self.options.keep)
    }

    /// By the wall clock, which may be wrong, or since this process has watched the newest key for a whole turn.
    fn is_over(&self, record: &Record) -> bool {
        let every = self.options.rotate_every;
        let newest = |record: &Record| record.keys.first().map(|key| key.id);
        let keys = self.read();
        let watched = newest(&keys.record) == newest(record)
            && self.clock.boottime().saturating_sub(keys.since) >= every;
        watched || record.is_over(self.wall(), every)
    }

    fn wall(&self) -> u64 {
        let since = self.clock.wall().duration_since(UNIX_EPOCH);
        since.unwrap_or(Duration::ZERO).as_secs()
    }

    fn adopt(&self, record: Record) {
        let mut keys = self.write();
        let ids = |record: &Record| record.keys.iter().map(|key| key.id).collect::<Vec<_>>();
        let (known, found) = (ids(&keys.record), ids(&record));
        if known == found {
            return;
        }
        let is_first = keys.own.as_ref().is_some_and(|own| known == [own.id]);
        if !is_first {
            keys.own = None;
        }
        if known.first() != found.first() {
            // To a process that has just begun, a key that the others have long known is not new.
            let made = record.keys.first().map_or(0, |newest| newest.created);
            let age = if is_first { self.wall().saturating_sub(made) } else { 0 };
            let settling = self.options.settling().saturating_sub(Duration::from_secs(age));
            keys.since = self.clock.boottime();
            keys.settled = keys.since + settling;
        }
        keys.record = record;
    }
}
