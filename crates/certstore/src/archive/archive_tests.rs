use std::io::{self, Cursor, Write};

use certstore_core::{Dir, ErrorKind, Key, MemoryStorage, Storage};
use futures_util::TryStreamExt;
use tar::{Builder, EntryType, Header};

use super::{ExportOptions, ImportOptions, export, import};
use crate::inventory::test_data::caddy_storage;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

async fn exported(storage: &dyn Storage) -> Vec<u8> {
    export(storage, &ExportOptions::default(), Vec::new(), || {}).await.unwrap().0
}

/// An archive of these entries; names are written as they are, however wrong.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, value) in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o600);
        header.set_size(value.len() as u64);
        header.set_cksum();
        builder.append(&header, *value).unwrap();
    }
    builder.into_inner().unwrap()
}

async fn taken(
    storage: &dyn Storage,
    options: &ImportOptions,
    archive: Vec<u8>,
) -> certstore_core::Result<super::ImportReport> {
    import(storage, options, Cursor::new(archive), |_, _| {}).await
}

async fn contents(storage: &dyn Storage) -> Vec<(Key, Vec<u8>)> {
    let infos: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await.unwrap();
    let mut all = Vec::new();
    for info in infos.into_iter().filter(|info| info.is_terminal) {
        let value = storage.load(&info.key).await.unwrap().to_vec();
        all.push((info.key, value));
    }
    all
}

#[tokio::test]
async fn an_export_imports_as_it_was() {
    let source = caddy_storage().await;
    let long = format!("certificates/{}/{}", "i".repeat(120), "s".repeat(200));
    source.store(&key(&long), b"under a name that no old header holds").await.unwrap();
    source.store(&key("empty"), b"").await.unwrap();
    let (tar, report) =
        export(&source, &ExportOptions::default(), Vec::new(), || {}).await.unwrap();
    assert_eq!((report.values, report.vanished), (37, 0));
    let target = MemoryStorage::new();
    let options = ImportOptions::default();
    let dry = ImportOptions { dry_run: true, ..options.clone() };
    let planned = taken(&target, &dry, tar.clone()).await.unwrap();
    assert_eq!((planned.imported, planned.bytes, planned.dry_run), (37, report.bytes, true));
    assert!(contents(&target).await.is_empty());
    let done = taken(&target, &options, tar.clone()).await.unwrap();
    assert_eq!((done.imported, done.bytes), (37, report.bytes));
    assert_eq!(contents(&target).await, contents(&source).await);
    let again = taken(&target, &options, tar).await.unwrap();
    assert_eq!((again.imported, again.unchanged), (0, 37));
}

#[tokio::test]
async fn headers_are_as_caddy_writes_them() {
    let storage = MemoryStorage::new();
    storage.store(&key("acme/ca/users/a@b.test/a.json"), b"{}").await.unwrap();
    let tar = exported(&storage).await;
    // A header, the value in one block, and the end: two blocks of zeros.
    assert_eq!(tar.len(), 4 * 512);
    assert!(tar.starts_with(b"acme/ca/users/a@b.test/a.json\0"));
    assert_eq!(
        (&tar[100..108], tar[156], &tar[257..265]),
        (&b"0000600\0"[..], b'0', &b"ustar\x0000"[..])
    );
    assert_eq!((&tar[512..515], &tar[1024..]), (&b"{}\0"[..], &[0; 1024][..]));
}

#[tokio::test]
async fn a_part_is_exported_under_whole_keys() {
    let options = ExportOptions { dir: Dir::new("ocsp").unwrap(), ..ExportOptions::default() };
    let source = caddy_storage().await;
    let (tar, report) = export(&source, &options, Vec::new(), || {}).await.unwrap();
    assert_eq!(report.values, 5);
    assert!(tar.starts_with(b"ocsp/"));
    let missing = ExportOptions { dir: Dir::new("none").unwrap(), ..options };
    let error = export(&source, &missing, Vec::new(), || {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_archive_that_is_cut_anywhere_writes_nothing() {
    let tar = exported(&caddy_storage().await).await;
    let storage = MemoryStorage::new();
    let body = tar.len() - 1024;
    for cut in [0, 1, 100, 511, 512, 700, 1024, 5000, 10 * 512, body - 512, body - 1, body] {
        let error =
            taken(&storage, &ImportOptions::default(), tar[..cut].to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{cut}: {error}");
        assert!(contents(&storage).await.is_empty(), "{cut}");
    }
    let mut damaged = tar;
    damaged[3] ^= 1;
    let error = taken(&storage, &ImportOptions::default(), damaged).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn what_is_no_key_or_no_plain_file_is_refused_before_anything_is_written() {
    let storage = MemoryStorage::new();
    let file = EntryType::Regular;
    for (name, kind, part) in [
        ("../escape", file, "no component of a key"),
        ("/etc/passwd", file, "slash"),
        ("a//b", file, "empty component"),
        ("a/./b", file, "no component of a key"),
        ("a b", file, "only the characters"),
        ("locks/../x", file, ""),
        ("locks", file, "reserved"),
        ("a/", EntryType::Directory, "a directory"),
        ("link", EntryType::Symlink, "no plain file"),
        ("link", EntryType::Link, "no plain file"),
        ("device", EntryType::Char, "no plain file"),
        ("pipe", EntryType::Fifo, "no plain file"),
    ] {
        let tar = archive(&[("good", file, b"1"), (name, kind, b"")]);
        let error = taken(&storage, &ImportOptions::default(), tar).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidKey, "{name}: {error}");
        assert!(error.to_string().contains(part), "{name}: {error}");
        assert!(contents(&storage).await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn limits_and_lock_records() {
    let storage = MemoryStorage::new();
    let file = EntryType::Regular;
    let tar = archive(&[("a", file, b"12345"), ("locks/x.lock", file, b"{}"), ("b", file, b"1")]);
    for options in [
        ImportOptions { max_value: 4, ..ImportOptions::default() },
        ImportOptions { max_total: 5, ..ImportOptions::default() },
        ImportOptions { max_entries: 2, ..ImportOptions::default() },
    ] {
        let error = taken(&storage, &options, tar.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        assert!(contents(&storage).await.is_empty());
    }
    let report = taken(&storage, &ImportOptions::default(), tar).await.unwrap();
    assert_eq!((report.imported, report.locks), (2, 1));
}

#[tokio::test]
async fn other_values_are_written_over_only_when_told_to() {
    let storage = MemoryStorage::new();
    let file = EntryType::Regular;
    storage.store(&key("b"), b"old").await.unwrap();
    storage.store(&key("d/e"), b"below").await.unwrap();
    storage.store(&key("f"), b"above").await.unwrap();
    let tar = archive(&[("a", file, b"1"), ("b", file, b"new")]);
    let error = taken(&storage, &ImportOptions::default(), tar.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("b has another value already; nothing was written"));
    assert!(!storage.exists(&key("a")).await.unwrap());
    let over = ImportOptions { overwrite: true, ..ImportOptions::default() };
    let report = taken(&storage, &over, tar).await.unwrap();
    assert_eq!((report.imported, report.overwritten), (1, 1));
    assert_eq!(storage.load(&key("b")).await.unwrap().as_ref(), b"new");
    for (entries, part) in [
        (&[("c", file, &b"1"[..]), ("d", file, b"1")][..], "d is a directory"),
        (&[("c", file, b"1"), ("f/g", file, b"1")], "f is a value in the storage"),
        (&[("c", file, b"1"), ("c/d", file, b"1")], "c is a value and a directory"),
        (&[("c", file, b"1"), ("c", file, b"2")], "c is in the archive twice"),
    ] {
        let error = taken(&storage, &over, archive(entries)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains(part), "{part}: {error}");
        assert!(!storage.exists(&key("c")).await.unwrap(), "{part}");
    }
}

/// Takes a few bytes, then fails as a full disk does; what it took stays to be seen.
#[derive(Debug)]
struct Full(std::sync::Arc<std::sync::Mutex<Vec<u8>>>, usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = self.0.lock().unwrap();
        if taken.len() + bytes.len() > self.1 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        taken.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_export_that_fails_leaves_nothing_that_looks_whole() {
    let source = caddy_storage().await;
    let taken_bytes = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let full = Full(taken_bytes.clone(), 8192);
    let error = export(&source, &ExportOptions::default(), full, || {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    let cut = taken_bytes.lock().unwrap().clone();
    assert!(!cut.is_empty() && !cut.ends_with(&[0; 1024]));
    let error = taken(&MemoryStorage::new(), &ImportOptions::default(), cut).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}
