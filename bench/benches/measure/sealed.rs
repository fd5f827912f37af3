//! What sealing costs over files that are not sealed.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use certstore::seal::{Algorithm, Keyset, OutputPrefix, SealOptions, SealedStorage};
use certstore::{Key, Storage};

use crate::files::{VALUE, interleaved, timed};
use crate::stats::{median, ratio};
use crate::{Result, open, runtime, verdict};

const STORE_PAIRS: usize = 1_200;
const LOAD_PAIRS: usize = 2_000;
const LOADS: u32 = 32;

/// A sealed store costs at most 1.05 times one that is not sealed. A load from the page cache is a few microseconds, of
/// which opening 4 KiB is a good part: its figure is shown beside.
pub(crate) fn sealed(folder: &Path) -> Result<bool> {
    let (plain, runtime) = (open(&folder.join("plain"))?, runtime()?);
    let keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink)?;
    let inside = open(&folder.join("sealed"))?;
    let sealed: Arc<dyn Storage> =
        Arc::new(SealedStorage::new(inside, keyset, SealOptions::default()));
    let key: Key = "certificates/local/example.test/example.test.crt".parse()?;
    let value = vec![b'x'; VALUE];
    let store = |storage: &Arc<dyn Storage>| {
        timed(|| runtime.block_on(storage.store(&key, &value)).map(drop).map_err(Into::into))
    };
    let stores = interleaved(STORE_PAIRS, || store(&sealed), || store(&plain))?;
    let load = |storage: &Arc<dyn Storage>| {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..LOADS {
                std::hint::black_box(storage.load(&key).await?);
            }
            Ok(start.elapsed() / LOADS)
        })
    };
    let loads = interleaved(LOAD_PAIRS, || load(&sealed), || load(&plain))?;
    let (stored, loaded) = (ratio(&stores), ratio(&loads));
    let (sealed_loads, plain_loads): (Vec<_>, Vec<_>) = loads.into_iter().unzip();
    let more = median(&sealed_loads).saturating_sub(median(&plain_loads));
    Ok(verdict(
        "sealed files",
        stored.value <= 1.05,
        &format!(
            "store {:.3} times unsealed (95 %: {:.3} to {:.3}; target 1.05; {STORE_PAIRS} pairs of 4 KiB); load {:.3} times unsealed (95 %: {:.3} to {:.3}), {more:?} more",
            stored.value, stored.low, stored.high, loaded.value, loaded.low, loaded.high,
        ),
    ))
}
