//! Store and load against what the system calls alone cost.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use certstore::Key;

use crate::stats::{Random, median, quantile, ratio};
use crate::{Result, open, runtime, verdict};

/// A certificate chain is about this long.
pub(crate) const VALUE: usize = 4096;
const STORE_PAIRS: usize = 1_200;
const LOAD_PAIRS: usize = 2_000;
/// Loads take microseconds: one pair is this many of each.
const LOADS: u32 = 32;

/// A store costs at most 1.15 times write, fsync, rename and fsync of the directory.
pub(crate) fn store(folder: &Path) -> Result<bool> {
    let (storage, runtime) = (open(&folder.join("store"))?, runtime()?);
    let key: Key = "certificates/local/example.test/example.test.crt".parse()?;
    let floor = folder.join("store/certificates/local/floor.test");
    let value = vec![b'x'; VALUE];
    runtime.block_on(storage.store(&key, &value))?;
    std::fs::create_dir_all(&floor)?;
    let ours =
        || timed(|| runtime.block_on(storage.store(&key, &value)).map(drop).map_err(Into::into));
    let theirs = || timed(|| durable_write(&floor, &value).map_err(Into::into));
    let pairs = interleaved(STORE_PAIRS, ours, theirs)?;
    let ratio = ratio(&pairs);
    let (ours, floor): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    Ok(verdict(
        "fs store",
        ratio.value <= 1.15,
        &format!(
            "{:.3} times its floor (95 %: {:.3} to {:.3}; target 1.15); p50 {:?} and {:?}, p99 {:?} and {:?}; {STORE_PAIRS} pairs of 4 KiB",
            ratio.value,
            ratio.low,
            ratio.high,
            median(&ours),
            median(&floor),
            quantile(&ours, 0.99),
            quantile(&floor, 0.99),
        ),
    ))
}

/// A load costs at most twice open, read and close.
pub(crate) fn load(folder: &Path) -> Result<bool> {
    let (storage, runtime) = (open(&folder.join("load"))?, runtime()?);
    let key: Key = "certificates/local/example.test/example.test.crt".parse()?;
    runtime.block_on(storage.store(&key, &vec![b'x'; VALUE]))?;
    let path = folder.join("load").join(key.as_str());
    // The runtime is entered once a pair: entering it is no part of a load in a program that runs in it.
    let ours = || {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..LOADS {
                std::hint::black_box(storage.load(&key).await?);
            }
            Ok(start.elapsed() / LOADS)
        })
    };
    let theirs = || {
        let start = Instant::now();
        for _ in 0..LOADS {
            std::hint::black_box(plain_read(&path)?);
        }
        Ok(start.elapsed() / LOADS)
    };
    let pairs = interleaved(LOAD_PAIRS, ours, theirs)?;
    let ratio = ratio(&pairs);
    let (ours, floor): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    Ok(verdict(
        "fs load",
        ratio.value <= 2.0,
        &format!(
            "{:.3} times open, read, close (95 %: {:.3} to {:.3}; target 2); p50 {:?} and {:?}; {LOAD_PAIRS} pairs of {LOADS} times 4 KiB",
            ratio.value,
            ratio.low,
            ratio.high,
            median(&ours),
            median(&floor),
        ),
    ))
}

/// Pairs of both, the order within a pair by chance.
pub(crate) fn interleaved(
    pairs: usize,
    ours: impl Fn() -> Result<Duration>,
    floor: impl Fn() -> Result<Duration>,
) -> Result<Vec<(Duration, Duration)>> {
    for _ in 0..pairs / 20 {
        ours()?;
        floor()?;
    }
    let mut random = Random(1);
    (0..pairs)
        .map(|_| {
            if random.below(2) == 0 {
                let ours = ours()?;
                Ok((ours, floor()?))
            } else {
                let floor = floor()?;
                Ok((ours()?, floor))
            }
        })
        .collect()
}

pub(crate) fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

/// The floor of a durable store.
fn durable_write(folder: &Path, value: &[u8]) -> std::io::Result<()> {
    let (temporary, place) = (folder.join("new"), folder.join("value"));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    file.write_all(value)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&temporary, &place)?;
    File::open(folder)?.sync_all()
}

/// The floor of a load: one allocation of the right size, one read.
fn plain_read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut value = vec![0; VALUE];
    File::open(path)?.read_exact(&mut value)?;
    Ok(value)
}
