use certstore_core::MemoryStorage;

use super::*;
use crate::test_clock::TestClock;

const DAY: Duration = Duration::from_secs(86_400);

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn kept(value: &'static [u8], version: &str) -> Kept {
    let version = Some(Version::new(version));
    Kept { value: Bytes::from_static(value), version, set: None, fresh: true }
}

async fn in_memory(options: &CopyOptions, clock: &Arc<TestClock>) -> LocalCopy {
    LocalCopy::open(options, clock.clone()).await.unwrap()
}

async fn on(storage: &Arc<MemoryStorage>, clock: &Arc<TestClock>) -> LocalCopy {
    in_memory(&CopyOptions::new().storage(storage.clone()), clock).await
}

#[tokio::test]
async fn each_value_has_its_age() {
    let clock = TestClock::new();
    let copy = in_memory(&CopyOptions::new(), &clock).await;
    copy.put(&key("a"), kept(b"1", "1")).await;
    clock.advance(DAY);
    copy.put(&key("b"), kept(b"2", "2")).await;
    let (a, b) = (copy.get(&key("a")).await.unwrap(), copy.get(&key("b")).await.unwrap());
    assert_eq!((a.age, b.age), (DAY, Duration::ZERO));
    copy.confirm(&key("a"), &a, true).await;
    assert_eq!(copy.get(&key("a")).await.unwrap().age, Duration::ZERO);
    clock.advance(DAY);
    copy.confirm(&key("a"), &b, true).await;
    assert_eq!(copy.get(&key("a")).await.unwrap().age, DAY, "another version is no proof");
}

#[tokio::test]
async fn memory_is_bounded_by_entries_and_bytes() {
    let clock = TestClock::new();
    let copy = in_memory(&CopyOptions::new().max_entries(10).max_bytes(1000), &clock).await;
    for number in 0..1000 {
        copy.put(&key(&format!("key-{number}")), kept(&[0; 80], "1")).await;
        let (entries, bytes) = copy.usage();
        assert!(entries <= 10 && bytes <= 1000, "{entries} entries, {bytes} bytes");
    }
    assert_eq!(copy.usage(), (10, 870));
    assert!(copy.get(&key("key-989")).await.is_none());
    assert!(copy.get(&key("key-990")).await.is_some());
    copy.put(&key("key-999"), kept(&[0; 1000], "2")).await;
    assert!(copy.get(&key("key-999")).await.is_none(), "too large, and the old one is out of date");
    assert_eq!(copy.usage(), (9, 783));
}

#[tokio::test]
async fn records_in_a_storage_are_bounded_too() {
    let (clock, storage) = (TestClock::new(), Arc::new(MemoryStorage::new()));
    let options = CopyOptions::new().max_entries(3).storage(storage.clone());
    let copy = in_memory(&options, &clock).await;
    for number in 0..20 {
        copy.put(&key(&format!("dir/key-{number}")), kept(b"value", "1")).await;
    }
    let records = storage.list(&Dir::new("copies/dir").unwrap(), true).await.unwrap();
    assert_eq!(records.len(), 3);
    copy.remove_below(&key("dir")).await;
    assert!(storage.list(&Dir::ROOT, true).await.unwrap().is_empty());
    assert_eq!(copy.usage(), (0, 0));
}

#[tokio::test]
async fn another_run_finds_what_was_left_with_its_age() {
    let (clock, storage) = (TestClock::new(), Arc::new(MemoryStorage::new()));
    let first = on(&storage, &clock).await;
    let set = Some(7);
    first.put(&key("a/b"), Kept { set, ..kept(b"1", "v") }).await;
    drop(first);
    clock.advance(DAY);
    let second = on(&storage, &clock).await;
    assert_eq!(second.usage().0, 1);
    let found = second.get(&key("a/b")).await.unwrap();
    assert_eq!((&*found.value, found.age, found.set), (&b"1"[..], DAY, set));
    assert_eq!(found.version, Some(Version::new("v")));
    assert!(!found.fresh, "much may have happened meanwhile");
    clock.advance(DAY);
    assert_eq!(second.get(&key("a/b")).await.unwrap().age, 2 * DAY);
}

#[tokio::test]
async fn fewer_records_are_kept_when_the_bounds_are_narrower() {
    let (clock, storage) = (TestClock::new(), Arc::new(MemoryStorage::new()));
    let first = on(&storage, &clock).await;
    for name in ["a", "b", "c"] {
        first.put(&key(name), kept(b"1", "v")).await;
    }
    let options = CopyOptions::new().max_entries(1).storage(storage.clone());
    assert_eq!(in_memory(&options, &clock).await.usage().0, 1);
    let records = storage.list(&Dir::new("copies").unwrap(), true).await.unwrap();
    assert_eq!(records, [key("copies/c")]);
}

#[tokio::test]
async fn a_record_of_the_future_is_too_old_for_everything() {
    let (clock, storage) = (TestClock::new(), Arc::new(MemoryStorage::new()));
    on(&storage, &clock).await.put(&key("a"), kept(b"1", "v")).await;
    clock.set_wall_back(DAY);
    let age = on(&storage, &clock).await.get(&key("a")).await.unwrap().age;
    assert_eq!(age, Duration::MAX);
}

#[tokio::test]
async fn what_is_damaged_is_forgotten() {
    let (clock, storage) = (TestClock::new(), Arc::new(MemoryStorage::new()));
    let copy = on(&storage, &clock).await;
    copy.put(&key("a"), kept(b"1", "v")).await;
    storage.store(&key("copies/a"), b"something else").await.unwrap();
    assert!(copy.get(&key("a")).await.is_none());
    assert_eq!(copy.usage(), (0, 0));
    assert!(!storage.exists(&key("copies/a")).await.unwrap());
}

#[tokio::test]
async fn records_are_not_written_at_every_confirmation() {
    let (clock, storage) = (TestClock::new(), Arc::new(MemoryStorage::new()));
    let copy = on(&storage, &clock).await;
    copy.put(&key("a"), kept(b"1", "v")).await;
    let version = storage.stat(&key("copies/a")).await.unwrap().version;
    let copied = copy.get(&key("a")).await.unwrap();
    for _ in 0..100 {
        clock.advance(Duration::from_secs(1));
        copy.confirm(&key("a"), &copied, true).await;
        copy.put(&key("a"), kept(b"1", "v")).await;
    }
    assert_eq!(storage.stat(&key("copies/a")).await.unwrap().version, version);
    clock.advance(DAY / RECORD_LAG);
    copy.confirm(&key("a"), &copied, true).await;
    assert_ne!(storage.stat(&key("copies/a")).await.unwrap().version, version);
    let again = on(&storage, &clock).await.get(&key("a")).await.unwrap();
    assert_eq!(again.age, Duration::ZERO);
}

#[tokio::test]
async fn the_same_value_keeps_its_version_and_its_set() {
    let clock = TestClock::new();
    let storage = Arc::new(MemoryStorage::new());
    for copy in [in_memory(&CopyOptions::new(), &clock).await, on(&storage, &clock).await] {
        let at = key("a");
        copy.put(&at, Kept { set: Some(1), ..kept(b"1", "v") }).await;
        copy.put(&at, Kept { version: None, set: Some(2), ..kept(b"1", "v") }).await;
        let found = copy.get(&at).await.unwrap();
        assert_eq!((found.version, found.set), (Some(Version::new("v")), Some(2)));
        copy.put(&at, kept(b"2", "w")).await;
        assert_eq!(copy.get(&at).await.unwrap().set, None, "another value");
    }
}

#[tokio::test]
async fn doubt_is_no_deletion() {
    let clock = TestClock::new();
    let copy = in_memory(&CopyOptions::new(), &clock).await;
    for name in ["a", "a/b", "c"] {
        copy.put(&key(name), kept(b"1", "v")).await;
    }
    let fresh = async |name: &str| copy.get(&key(name)).await.unwrap().fresh;
    copy.doubt(&key("a"));
    assert_eq!((fresh("a").await, fresh("a/b").await), (false, true));
    copy.doubt_below(&key("a"));
    assert_eq!((fresh("a/b").await, fresh("c").await), (false, true));
    copy.doubt_all();
    assert!(!fresh("c").await);
}
