//! How fast a storage is: latency and throughput of each operation, and of handing a lock over.

use std::future::Future;
use std::time::{Duration, Instant};

use certstore_core::{Dir, LockName, Result, Storage};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::scratch;

/// How [`bench`](fn@bench) measures.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BenchOptions {
    /// How often each operation is measured, at least 1.
    pub rounds: u32,
    /// The size of a value in bytes.
    pub size: usize,
    /// How many tasks the throughput is measured with, at least 1.
    pub concurrency: usize,
}

impl Default for BenchOptions {
    fn default() -> Self {
        Self { rounds: 200, size: 4096, concurrency: 8 }
    }
}

/// How long an operation takes, and how often it can be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// The operation.
    pub operation: &'static str,
    /// How often it was measured, one after the other.
    pub rounds: usize,
    /// Half of them took at most this many microseconds.
    pub p50_us: f64,
    /// Nine of ten took at most this many microseconds.
    pub p90_us: f64,
    /// 99 of 100 took at most this many microseconds.
    pub p99_us: f64,
    /// How often a second it was done by several tasks at once; `None` where that was not measured.
    pub per_second: Option<f64>,
}

impl Figures {
    /// The figures of single measurements.
    #[must_use]
    pub fn of(operation: &'static str, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let micros = |percent: usize| {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).map_or(f64::NAN, |time| (time.as_secs_f64() * 1e7).round() / 10.0)
        };
        let (p50_us, p90_us, p99_us) = (micros(50), micros(90), micros(99));
        Self { operation, rounds: times.len(), p50_us, p90_us, p99_us, per_second: None }
    }
}

/// Measures `storage` with values of its own, which it removes again. `progress` is called with the operation that begins.
///
/// # Errors
/// Of the backend.
///
/// # Cancel safety
/// Dropped, it may leave its directory `certstore-bench-*` behind, which can be deleted.
pub async fn bench(
    storage: &dyn Storage,
    options: &BenchOptions,
    progress: impl Fn(&'static str) + Send + Sync,
) -> Result<Vec<Figures>> {
    let dir = scratch::directory("bench")?;
    let bench = Bench { storage, dir: dir.clone(), options };
    let figures = bench.run(&progress).await;
    let cleaned = match dir.key() {
        Some(key) => storage.delete(key).await,
        None => Ok(()),
    };
    figures.and_then(|figures| cleaned.map(|()| figures))
}

/// Measures how long a lock takes from one client's release to the other's possession, both in this process.
///
/// # Errors
/// Of the backend.
///
/// # Cancel safety
/// Dropped, both clients release the lock in the background.
pub async fn hand_over(holder: &dyn Storage, waiter: &dyn Storage, rounds: u32) -> Result<Figures> {
    let name = LockName::new("certstore-bench-handover")?;
    let mut times = Vec::with_capacity(rounds as usize);
    for _ in 0..rounds.max(1) {
        let held = holder.lock(&name).await?;
        let wait = async {
            let lock = waiter.lock(&name).await?;
            let taken = Instant::now();
            lock.unlock().await.map(|()| taken)
        };
        let release = async {
            // Long enough for the waiter to be in line: what is measured is the hand-over, not its first try.
            tokio::time::sleep(SETTLE).await;
            let given = Instant::now();
            held.unlock().await.map(|()| given)
        };
        let (taken, given) = futures_util::future::join(wait, release).await;
        times.push(taken?.saturating_duration_since(given?));
    }
    Ok(Figures::of("hand-over in one process", times))
}

/// How long a waiter is given to get in line before a lock is handed over.
pub const SETTLE: Duration = Duration::from_millis(20);

struct Bench<'a> {
    storage: &'a dyn Storage,
    dir: Dir,
    options: &'a BenchOptions,
}

impl Bench<'_> {
    async fn run(&self, progress: &(impl Fn(&'static str) + Sync)) -> Result<Vec<Figures>> {
        let storage = self.storage;
        let value = vec![0x5a; self.options.size];
        let key = |round: u32| self.dir.join(&format!("v{round}"));
        let mut all = Vec::new();
        progress("store");
        all.push(
            self.each("store", async |round| storage.store(&key(round)?, &value).await.map(drop))
                .await?,
        );
        progress("load");
        all.push(
            self.each("load", async |round| storage.load(&key(round)?).await.map(drop)).await?,
        );
        progress("stat");
        all.push(
            self.each("stat", async |round| storage.stat(&key(round)?).await.map(drop)).await?,
        );
        progress("exists");
        all.push(
            self.each("exists", async |round| storage.exists(&key(round)?).await.map(drop)).await?,
        );
        progress("list");
        all.push(self.each("list", async |_| storage.list(&self.dir, true).await.map(drop)).await?);
        progress("lock + unlock");
        all.push(self.each("lock + unlock", async |round| self.lock(round).await).await?);
        progress("delete");
        all.push(self.each("delete", async |round| storage.delete(&key(round)?).await).await?);
        Ok(all)
    }

    /// One lock a task: contention is measured by the hand-over.
    async fn lock(&self, round: u32) -> Result<()> {
        let slot = round as usize % self.options.concurrency.max(1);
        let name = LockName::new(&format!("certstore-bench-{slot}"))?;
        self.storage.lock(&name).await?.unlock().await
    }

    /// First one after the other for the latency, then several at once for the throughput. A delete is done once only:
    /// the second time there is nothing left.
    async fn each<F>(&self, operation: &'static str, work: impl Fn(u32) -> F) -> Result<Figures>
    where
        F: Future<Output = Result<()>>,
    {
        let rounds = self.options.rounds.max(1);
        let mut times = Vec::with_capacity(rounds as usize);
        for round in 0..rounds {
            let started = Instant::now();
            work(round).await?;
            times.push(started.elapsed());
        }
        let mut figures = Figures::of(operation, times);
        if operation != "delete" {
            let started = Instant::now();
            let parallel = stream::iter(0..rounds)
                .map(&work)
                .buffer_unordered(self.options.concurrency.max(1));
            parallel.try_collect::<()>().await?;
            figures.per_second =
                Some((f64::from(rounds) / started.elapsed().as_secs_f64()).round());
        }
        Ok(figures)
    }
}

#[cfg(test)]
#[path = "bench_tests.rs"]
mod tests;
