//! A quick look whether a backend does what it says: one round of every operation under a key of its own.

use std::time::{Duration, Instant};

use certstore_core::{
    Cas, Condition, Dir, ErrorKind, Fence, Key, LockName, Result, Storage, Version,
};
use serde::Serialize;

use crate::scratch;
use certstore_core::one_line;

/// The lock that probes take: one name, as a lock's record can stay behind for good.
const LOCK: &str = "certstore-probe";

/// How long a probe waits for its lock while another probe holds it.
const PATIENCE: Duration = Duration::from_secs(30);

/// One operation of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProbeStep {
    /// What was tried.
    pub step: &'static str,
    /// Whether the backend did as it says.
    pub ok: bool,
    /// What it did instead, or is worth knowing; `None` when all is well.
    pub detail: Option<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// A check that ended: in words what is wrong, or nothing.
type Check = Result<(), String>;

/// Stores, reads, lists, locks and deletes under a key of its own, and removes it again.
pub(crate) async fn probe(storage: &dyn Storage) -> Result<Vec<ProbeStep>> {
    let dir = scratch::directory("probe")?;
    let probe = Probe { storage, key: dir.join("value")?, dir };
    let mut steps = Vec::new();
    let mut version = None;
    timed(&mut steps, "store", probe.store(&mut version)).await;
    timed(&mut steps, "load", probe.load()).await;
    timed(&mut steps, "stat", probe.stat()).await;
    timed(&mut steps, "list", probe.list()).await;
    if storage.capabilities().cas != Cas::None {
        timed(&mut steps, "create only", probe.create_only()).await;
    }
    if let (Cas::Full, Some(version)) = (storage.capabilities().cas, &version) {
        timed(&mut steps, "compare and set", probe.compare_and_set(version)).await;
    }
    timed(&mut steps, "lock", probe.lock()).await;
    timed(&mut steps, "delete", probe.delete()).await;
    Ok(steps)
}

async fn timed(steps: &mut Vec<ProbeStep>, step: &'static str, check: impl Future<Output = Check>) {
    let started = Instant::now();
    let detail = check.await.err();
    steps.push(ProbeStep::since(started, step, detail));
}

impl ProbeStep {
    /// A step that began at `started` and has ended, with what is wrong.
    pub(crate) fn since(started: Instant, step: &'static str, detail: Option<String>) -> Self {
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Self { step, ok: detail.is_none(), detail, micros }
    }
}

struct Probe<'a> {
    storage: &'a dyn Storage,
    dir: Dir,
    key: Key,
}

const VALUE: &[u8] = b"a value of certstore's probe";

impl Probe<'_> {
    async fn store(&self, version: &mut Option<Version>) -> Check {
        *version = Some(self.storage.store(&self.key, VALUE).await.map_err(told)?);
        Ok(())
    }

    async fn load(&self) -> Check {
        let value = self.storage.load(&self.key).await.map_err(told)?;
        expect(value == VALUE, "another value was read than was written")
    }

    async fn stat(&self) -> Check {
        let info = self.storage.stat(&self.key).await.map_err(told)?;
        expect(info.is_terminal, "the value is shown as a directory")?;
        expect(info.size.is_none_or(|size| size == VALUE.len() as u64), "the size is wrong")
    }

    async fn list(&self) -> Check {
        let listed = self.storage.list(&self.dir, true).await.map_err(told)?;
        expect(
            listed == [self.key.clone()],
            "the list does not show the value that was just written",
        )
    }

    async fn create_only(&self) -> Check {
        match self.storage.store_if(&self.key, b"other", &Condition::Absent).await {
            Err(error) if error.kind() == ErrorKind::Conflict => self.load().await,
            Err(error) => Err(told(error)),
            Ok(_) => {
                Err("a create-only store wrote over a value: conditions are not honoured".into())
            }
        }
    }

    async fn compare_and_set(&self, version: &Version) -> Check {
        let at = |version: &Version| Condition::Version(version.clone());
        self.storage.store_if(&self.key, b"other", &at(version)).await.map_err(told)?;
        match self.storage.store_if(&self.key, b"late", &at(version)).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(told(error)),
            Ok(_) => {
                return Err(
                    "a store at an old version was taken: conditions are not honoured".into()
                );
            }
        }
        self.storage.store(&self.key, VALUE).await.map(drop).map_err(told)
    }

    async fn lock(&self) -> Check {
        let name = LockName::new(LOCK).map_err(told)?;
        let held = tokio::time::timeout(PATIENCE, self.storage.lock(&name)).await;
        let held = held
            .map_err(|_| format!("the lock {LOCK} was not free for {} s", PATIENCE.as_secs()))?
            .map_err(told)?;
        let second = self.storage.try_lock(&name).await.map_err(told)?;
        expect(second.is_none(), "the lock was held twice")?;
        if self.storage.capabilities().fence != Fence::None {
            self.storage.store_fenced(&self.key, VALUE, &held).await.map_err(told)?;
        }
        held.check().map_err(told)?;
        held.unlock().await.map_err(told)
    }

    async fn delete(&self) -> Check {
        let all = self.dir.key().unwrap_or(&self.key);
        self.storage.delete(all).await.map_err(told)?;
        let left = self.storage.exists(&self.key).await.map_err(told)?;
        expect(!left, "the value is still there after it was deleted")
    }
}

fn expect(holds: bool, otherwise: &str) -> Check {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

/// For `map_err`.
#[expect(clippy::needless_pass_by_value, reason = "map_err gives the error away")]
fn told(error: certstore_core::Error) -> String {
    one_line(&error)
}
