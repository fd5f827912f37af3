//! Locks: what an uncontended one costs, and how soon a waiting process has a released one.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use certstore::LockName;
use certstore_core::{Clock, SystemClock};

use crate::stats::{median, quantile};
use crate::{Result, file_url, open, runtime, verdict};

const LOCKS: usize = 5_000;
const ROUNDS: usize = 150;
/// Long enough that the other process is waiting when the holder releases.
const HOLD: Duration = Duration::from_millis(20);
/// Between a release and the next try of the same process: what is measured is the other one, which waits.
const PAUSE: Duration = Duration::from_millis(12);

/// An uncontended lock and unlock cost no fsync.
pub(crate) fn uncontended(folder: &Path) -> Result<bool> {
    let (storage, runtime) = (open(folder)?, runtime()?);
    let name: LockName = "bench".parse()?;
    let times: Vec<Duration> = runtime.block_on(async {
        let mut times = Vec::with_capacity(LOCKS);
        for _ in 0..LOCKS {
            let start = Instant::now();
            storage.lock(&name).await?.unlock().await?;
            times.push(start.elapsed());
        }
        Ok::<_, certstore::Error>(times)
    })?;
    // Opening the store and taking a name for the first time may flush: only what 200 more rounds add counts.
    let (few, many) = (flushes(folder, 10)?, flushes(folder, 210)?);
    Ok(verdict(
        "fs lock",
        many == few,
        &format!(
            "{} flushes in 200 lock and unlock (target 0, counted by strace); p50 {:?}, p99 {:?} of {LOCKS}",
            many.saturating_sub(few),
            median(&times),
            quantile(&times, 0.99),
        ),
    ))
}

/// The flushing system calls of a process that locks and unlocks.
fn flushes(folder: &Path, rounds: usize) -> Result<usize> {
    let trace = folder.join("strace.out");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=fsync,fdatasync,syncfs,sync_file_range,msync,sync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe()?)
        .args(["child-rounds", &file_url(folder)?, &rounds.to_string()])
        .status()?;
    if !status.success() {
        return Err("strace, or what it ran, failed; cargo xtask setup installs strace".into());
    }
    Ok(std::fs::read_to_string(trace)?
        .lines()
        .filter(|line| line.contains("sync") && line.contains('('))
        .count())
}

/// A waiting process has a released lock within 5 ms, p50.
pub(crate) fn handover(folder: &Path) -> Result<bool> {
    handover_at("fs handover", &file_url(folder)?, Duration::from_millis(5), "")
}

/// The same on any storage, with `target` as the limit; `beside` is what was measured for comparison.
pub(crate) fn handover_at(name: &str, url: &str, target: Duration, beside: &str) -> Result<bool> {
    let start = |process: &str| {
        Command::new(std::env::current_exe()?)
            .args(["child-handover", url, process])
            .stdout(Stdio::piped())
            .spawn()
    };
    let children = [start("1")?, start("2")?];
    let mut held: Vec<(Duration, Duration, u32)> = Vec::new();
    for child in children {
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err("a process of the hand-over failed".into());
        }
        for line in String::from_utf8(output.stdout)?.lines() {
            let mut numbers = line.split(' ').map(str::parse::<u64>);
            let mut next = || {
                numbers.next().ok_or("a short line")?.map_err(Box::<dyn std::error::Error>::from)
            };
            held.push((
                Duration::from_nanos(next()?),
                Duration::from_nanos(next()?),
                u32::try_from(next()?)?,
            ));
        }
    }
    held.sort_unstable();
    let overlap = held.windows(2).any(|pair| pair[1].0 < pair[0].1);
    let handovers: Vec<Duration> = held
        .windows(2)
        .filter(|pair| pair[0].2 != pair[1].2)
        .map(|pair| pair[1].0.saturating_sub(pair[0].1))
        .collect();
    let p50 = median(&handovers);
    let enough = handovers.len() >= ROUNDS / 2;
    Ok(verdict(
        name,
        p50 <= target && enough && !overlap,
        &format!(
            "p50 {p50:?}, p99 {:?} from unlock in one process to lock in the other (target {target:?}{beside}); {} hand-overs, {}",
            quantile(&handovers, 0.99),
            handovers.len(),
            if overlap { "HELD TWICE" } else { "never held twice" },
        ),
    ))
}

/// This program in another role: `rounds URL N` or `handover URL PROCESS`.
pub(crate) fn child(role: &str, arguments: &[String]) -> Result<()> {
    let [url, number] = arguments else {
        return Err("a child takes a URL and a number".into());
    };
    let runtime = runtime()?;
    let name: LockName = "bench".parse()?;
    runtime.block_on(async {
        let storage = certstore::open_url(url).await?;
        if role == "rounds" {
            for _ in 0..number.parse::<usize>()? {
                storage.lock(&name).await?.unlock().await?;
            }
            return Ok(());
        }
        for _ in 0..ROUNDS {
            let lock = storage.lock(&name).await?;
            let acquired = SystemClock.boottime();
            tokio::time::sleep(HOLD).await;
            let released = SystemClock.boottime();
            lock.unlock().await?;
            println!("{} {} {number}", acquired.as_nanos(), released.as_nanos());
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    })
}
