use certstore_core::{Dir, ErrorKind, Key, MemoryConfig, MemoryStorage, Storage};

use super::{CopyOptions, CopyReport, copy};

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

async fn with(values: &[(&str, &[u8])]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (name, value) in values {
        storage.store(&key(name), value).await.unwrap();
    }
    storage
}

fn report(copied: u64, overwritten: u64, unchanged: u64, bytes: u64) -> CopyReport {
    CopyReport { copied, overwritten, unchanged, bytes, ..CopyReport::default() }
}

#[tokio::test]
async fn copies_what_differs_and_resumes() {
    let source = with(&[("a/b", b"1"), ("a/c", b"22"), ("a-b", b"333"), ("empty", b"")]).await;
    let target = with(&[("a/b", b"1"), ("a/c", b"old"), ("mine", b"stays")]).await;
    let options = CopyOptions::default();
    let dry = CopyOptions { dry_run: true, ..options.clone() };
    let planned = copy(&source, &target, &dry, |_| {}).await.unwrap();
    assert_eq!(planned, CopyReport { dry_run: true, ..report(2, 1, 1, 5) });
    assert_eq!(
        target.load(&key("a/c")).await.unwrap().as_ref(),
        b"old",
        "a dry run writes nothing"
    );
    let seen = std::sync::Mutex::new(Vec::new());
    let done =
        copy(&source, &target, &options, |at| seen.lock().unwrap().push((at.done, at.total)))
            .await
            .unwrap();
    assert_eq!(done, report(2, 1, 1, 5));
    assert_eq!(*seen.lock().unwrap(), [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]);
    assert_eq!(
        copy(&source, &target, &options, |_| {}).await.unwrap(),
        report(0, 0, 4, 0),
        "again: nothing to do"
    );
    for entry in source.list(&Dir::ROOT, true).await.unwrap() {
        if let Ok(value) = source.load(&entry).await {
            assert_eq!(target.load(&entry).await.unwrap(), value, "{entry}");
        }
    }
    assert_eq!(target.load(&key("mine")).await.unwrap().as_ref(), b"stays");
}

#[tokio::test]
async fn one_directory_or_one_key() {
    let source = with(&[("a/b", b"1"), ("ab", b"2"), ("a-b", b"3")]).await;
    let options = |dir: &str| CopyOptions { dir: Dir::new(dir).unwrap(), ..CopyOptions::default() };
    let target = with(&[]).await;
    assert_eq!(copy(&source, &target, &options("a"), |_| {}).await.unwrap(), report(1, 0, 0, 1));
    assert_eq!(copy(&source, &target, &options("ab"), |_| {}).await.unwrap(), report(1, 0, 0, 1));
    assert!(!target.exists(&key("a-b")).await.unwrap());
    let missing = copy(&source, &target, &options("none"), |_| {}).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_the_target_cannot_hold_is_told_before_the_first_write() {
    let source =
        with(&[("0", b"first"), ("a/b", b"1"), ("c", b"2"), ("d", b"3"), ("e/f/g", b"4")]).await;
    let target = with(&[("a", b"a value"), ("c/x", b"c is a directory"), ("e/f", b"value")]).await;
    let error = copy(&source, &target, &CopyOptions::default(), |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    for part in [
        "a is a directory here and a value there",
        "c is a value here and a directory there",
        "e/f is a directory here and a value there",
        "nothing was written",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!target.exists(&key("0")).await.unwrap(), "nothing was written");
    let inner = CopyOptions { dir: Dir::new("e/f").unwrap(), ..CopyOptions::default() };
    assert!(
        copy(&source, &target, &inner, |_| {})
            .await
            .unwrap_err()
            .to_string()
            .contains("e/f is a directory here")
    );
    let deeper = CopyOptions { dir: Dir::new("e/f/g").unwrap(), ..CopyOptions::default() };
    let text = copy(&source, &target, &deeper, |_| {}).await.unwrap_err().to_string();
    assert!(text.contains("e/f is a directory here and a value there"), "{text}");
}

#[tokio::test]
async fn values_over_the_targets_limit_are_told_before() {
    let source = with(&[("0", b"1"), ("big", &[0; 80_000])]).await;
    let mut config = MemoryConfig::default();
    config.max_value = Some(70_000);
    let target = MemoryStorage::with_config(config).unwrap();
    let error = copy(&source, &target, &CopyOptions::default(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("big has 80000 bytes, the target takes 70000"), "{error}");
    assert!(target.list(&Dir::ROOT, true).await.unwrap().is_empty());
}

#[test]
fn a_value_above_others_is_found_in_sorted_order() {
    use certstore_core::KeyInfo;
    let mut ancestors = super::plan::Ancestors::default();
    let above: Vec<_> = ["a", "a-b", "a-b/c", "a.d", "a/b", "a/b/c", "a/x", "ab", "b"]
        .into_iter()
        .filter_map(|name| {
            ancestors.above(&KeyInfo::file(key(name))).map(|file| (file.to_string(), name))
        })
        .collect();
    let told = |file: &str, name| (file.to_owned(), name);
    assert_eq!(above, [told("a-b", "a-b/c"), told("a", "a/b"), told("a/b", "a/b/c")]);
}
