//! The storage that Caddy left behind, in memory.

use std::path::Path;

use certstore_core::{Key, MemoryStorage, Storage};

const CADDY_DATA: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../certstore-cli/tests/fixtures/caddy-data");

pub(crate) async fn caddy_storage() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut folders = vec![Path::new(CADDY_DATA).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let key = Key::new(path.strip_prefix(CADDY_DATA).unwrap().to_str().unwrap()).unwrap();
            storage.store(&key, &std::fs::read(&path).unwrap()).await.unwrap();
        }
    }
    storage
}
