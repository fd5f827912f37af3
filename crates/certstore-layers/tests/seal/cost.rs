//! What sealing costs, in memory that is allocated: each byte is copied once, where it must be.

use std::sync::Arc;

use allocation_counter::measure;
use certstore_core::{MemoryStorage, Storage};

use super::support::{key, keyset, sealed};

const LENGTH: usize = 1 << 20;
/// Nonce, tag and prefix, a key's name, a future, a counter of references.
const SMALL: u64 = 4 << 10;

#[test]
fn a_value_is_copied_once_to_be_sealed() {
    let (keyset, value) = (keyset(), vec![7; LENGTH]);
    let mut result = None;
    let cost = measure(|| result = Some(keyset.seal(&value, b"k")));
    assert_eq!(result.unwrap().unwrap().len(), LENGTH + 33);
    assert!(cost.bytes_total < LENGTH as u64 + SMALL, "{cost:?}");
}

#[test]
fn a_value_is_opened_in_place_when_nobody_else_has_it() {
    let keyset = keyset();
    let stored = keyset.seal(&vec![7; LENGTH], b"k").unwrap();
    let mut result = None;
    let cost = measure(|| result = Some(keyset.open(stored, b"k")));
    assert_eq!(result.unwrap().unwrap().len(), LENGTH);
    assert!(cost.bytes_total < SMALL, "{cost:?}");
}

#[test]
fn a_value_that_is_shared_is_copied_once_to_be_opened() {
    let keyset = keyset();
    let stored = keyset.seal(&vec![7; LENGTH], b"k").unwrap();
    let mut result = None;
    let cost = measure(|| result = Some(keyset.open(stored.clone(), b"k")));
    assert_eq!(result.unwrap().unwrap().len(), LENGTH);
    assert!(cost.bytes_total < LENGTH as u64 + SMALL, "{cost:?}");
}

/// The storage inside copies once, too.
#[test]
fn a_sealed_storage_adds_one_copy_to_a_store_and_one_to_a_load() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (inner, at, value) = (MemoryStorage::new(), key("a"), vec![7; LENGTH]);
    let storage = sealed(Arc::new(inner.clone()), &keyset());
    let cost_of = |storage: &dyn Storage| {
        let store = measure(|| drop(runtime.block_on(storage.store(&at, &value)).unwrap()));
        let load = measure(|| drop(runtime.block_on(storage.load(&at)).unwrap()));
        (store.bytes_total, load.bytes_total)
    };
    let (plain, layered) = (cost_of(&inner), cost_of(&storage));
    let one = LENGTH as u64 + SMALL;
    assert!(layered.0 < plain.0 + one && layered.1 < plain.1 + one, "{plain:?} {layered:?}");
}
