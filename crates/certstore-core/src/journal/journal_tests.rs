//! Every crash between two steps of a batch, and every interleaving of one reader with one writer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::{JournalStore, load_bundle, settle, store_all};
use crate::{
    Capabilities, Condition, Dir, Error, ErrorKind, Key, KeyInfo, MemoryStorage, Result, Storage,
    Version, Versioned,
};

/// One value at a time over the memory backend. Writes stop working after a number of steps, as in a crash; a hook runs
/// before every read.
#[derive(Clone)]
struct Stepwise {
    inner: MemoryStorage,
    journals: Arc<Mutex<HashMap<String, Bytes>>>,
    writes_left: Arc<Mutex<usize>>,
    before_read: Option<Arc<dyn Fn(usize) -> Option<Step> + Send + Sync>>,
    reads: Arc<Mutex<usize>>,
    /// With conditional stores; what is here is stored by somebody else just before the next one.
    conditional: Option<Arc<Mutex<Values>>>,
}

/// Values under their keys.
type Values = Vec<(Key, &'static [u8])>;

/// What another writer does between two reads.
#[derive(Clone)]
enum Step {
    Journal(Option<Bytes>),
    Store(Values),
}

impl Stepwise {
    fn new() -> Self {
        Self {
            inner: MemoryStorage::new(),
            journals: Arc::default(),
            writes_left: Arc::new(Mutex::new(usize::MAX)),
            before_read: None,
            reads: Arc::default(),
            conditional: None,
        }
    }

    fn crash_after(&self, writes: usize) {
        *self.writes_left.lock().unwrap() = writes;
    }

    fn write(&self) -> Result<()> {
        let mut left = self.writes_left.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(|| Error::new(ErrorKind::Unavailable, "crashed"))?;
        Ok(())
    }

    async fn read(&self) {
        let number = {
            let mut reads = self.reads.lock().unwrap();
            *reads += 1;
            *reads
        };
        match self.before_read.as_ref().and_then(|hook| hook(number)) {
            Some(Step::Journal(Some(journal))) => {
                self.journals.lock().unwrap().insert("a".into(), journal);
            }
            Some(Step::Journal(None)) => drop(self.journals.lock().unwrap().remove("a")),
            Some(Step::Store(values)) => {
                for (key, value) in values {
                    self.inner.store(&key, value).await.unwrap();
                }
            }
            None => {}
        }
    }
}

crate::forward_locker!(Stepwise => inner);

#[async_trait]
impl Storage for Stepwise {
    fn backend(&self) -> &'static str {
        "stepwise"
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal()
    }
    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.write()?;
        self.inner.store(key, value).await
    }
    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let Some(others) = &self.conditional else {
            return Err(Error::unsupported("no conditional stores"));
        };
        let others = std::mem::take(&mut *others.lock().unwrap());
        for (key, value) in others {
            self.inner.store(&key, value).await?;
        }
        self.write()?;
        self.inner.store_if(key, value, condition).await
    }
    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        store_all(self, items).await
    }
    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }
    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.read().await;
        self.inner.load_versioned(key).await
    }
    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        load_bundle(self, keys).await
    }
    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }
    async fn exists(&self, key: &Key) -> Result<bool> {
        self.inner.exists(key).await
    }
    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.list(dir, recursive).await
    }
    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.inner.walk(dir)
    }
    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.inner.stat(key).await
    }
}

#[async_trait]
impl JournalStore for Stepwise {
    async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        self.read().await;
        Ok(self.journals.lock().unwrap().get(dir.as_str()).cloned())
    }
    async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()> {
        self.write()?;
        self.journals.lock().unwrap().insert(dir.to_string(), Bytes::copy_from_slice(journal));
        Ok(())
    }
    async fn remove_journal(&self, dir: &Dir) -> Result<()> {
        self.write()?;
        self.journals.lock().unwrap().remove(dir.as_str());
        Ok(())
    }
}

fn keys() -> [Key; 3] {
    ["a/a.key", "a/a.crt", "a/a.json"].map(|key| key.parse().unwrap())
}

async fn put(storage: &Stepwise, values: [&'static [u8]; 3]) -> Result<()> {
    let [key, crt, json] = keys();
    storage.store_all(&[(&key, values[0]), (&crt, values[1]), (&json, values[2])]).await
}

async fn get(storage: &Stepwise) -> Result<Vec<Bytes>> {
    let [key, crt, json] = keys();
    storage.load_bundle(&[&key, &crt, &json]).await
}

const OLD: [&[u8]; 3] = [b"old key", b"old crt", b"old json"];
const NEW: [&[u8]; 3] = [b"new key", b"new crt", b"new json"];

#[tokio::test]
async fn a_crash_after_any_write_leaves_the_old_set_or_the_new_one() {
    for crash in 0..=6 {
        let storage = Stepwise::new();
        put(&storage, OLD).await.unwrap();
        storage.crash_after(crash);
        let written = put(&storage, NEW).await;
        let expected = if crash == 0 { OLD } else { NEW };
        assert_eq!(get(&storage).await.unwrap(), expected, "crash after {crash} writes");
        assert_eq!(written.is_ok(), crash >= 5);
        if let Err(error) = written {
            assert_eq!(error.may_have_applied(), crash > 0, "crash after {crash} writes");
        }
    }
}

#[tokio::test]
async fn the_next_writer_takes_over_from_a_crash() {
    for crash in 0..=5 {
        let storage = Stepwise::new();
        put(&storage, OLD).await.unwrap();
        storage.crash_after(crash);
        drop(put(&storage, NEW).await);
        storage.crash_after(usize::MAX);
        put(&storage, OLD).await.unwrap();
        assert_eq!(get(&storage).await.unwrap(), OLD);
        assert!(storage.journals.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_the_next_set_does_not_cover_is_rolled_forward() {
    let storage = Stepwise::new();
    put(&storage, OLD).await.unwrap();
    storage.crash_after(1);
    drop(put(&storage, NEW).await);
    storage.crash_after(usize::MAX);
    let [key, crt, _] = keys();
    storage.store_all(&[(&key, b"3 key"), (&crt, b"3 crt")]).await.unwrap();
    assert_eq!(get(&storage).await.unwrap(), [&b"3 key"[..], b"3 crt", b"new json"]);
}

#[tokio::test]
async fn a_journal_that_a_later_store_has_outdated_is_passed_over() {
    let storage = Stepwise::new();
    put(&storage, OLD).await.unwrap();
    storage.crash_after(1);
    drop(put(&storage, NEW).await);
    storage.crash_after(usize::MAX);
    for (key, value) in keys().iter().zip([b"by hand 1", b"by hand 2", b"by hand 3"]) {
        storage.store(key, value).await.unwrap();
    }
    assert_eq!(get(&storage).await.unwrap(), [&b"by hand 1"[..], b"by hand 2", b"by hand 3"]);
}

#[tokio::test]
async fn a_reader_among_the_steps_of_a_writer_sees_one_set() {
    // The writer's steps, in order, happen before the reader's reads number `start`, `start + gap`, ...
    for start in 1..=8 {
        for gap in 1..=3 {
            let mut storage = Stepwise::new();
            put(&storage, OLD).await.unwrap();
            let journal = {
                let copy = Stepwise { writes_left: Arc::new(Mutex::new(1)), ..storage.clone() };
                drop(put(&copy, NEW).await);
                storage.journals.lock().unwrap().remove("a").unwrap()
            };
            let mut steps = vec![Step::Journal(Some(journal))];
            steps.extend(
                keys().into_iter().zip(NEW).map(|(key, value)| Step::Store(vec![(key, value)])),
            );
            steps.push(Step::Journal(None));
            *storage.reads.lock().unwrap() = 0;
            storage.before_read = Some(Arc::new(move |read| {
                let due = read.checked_sub(start).filter(|passed| passed % gap == 0)? / gap;
                steps.get(due).cloned()
            }));
            let found = get(&storage).await.unwrap();
            assert!(found == OLD || found == NEW, "start {start} gap {gap}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_damaged_journal_is_corrupt_and_no_value_is_invented() {
    let storage = Stepwise::new();
    put(&storage, OLD).await.unwrap();
    storage.crash_after(1);
    drop(put(&storage, NEW).await);
    let journal = storage.journals.lock().unwrap()["a"].clone();
    for end in 0..journal.len() {
        storage.journals.lock().unwrap().insert("a".into(), journal.slice(..end));
        assert_eq!(get(&storage).await.unwrap_err().kind(), ErrorKind::Corrupt, "cut at {end}");
    }
    storage.crash_after(usize::MAX);
    put(&storage, NEW).await.unwrap();
    assert_eq!(get(&storage).await.unwrap(), NEW, "the next set takes the place of the damage");
}

#[tokio::test]
async fn one_value_changed_since_a_crash_does_not_undo_the_others() {
    let storage = Stepwise::new();
    put(&storage, OLD).await.unwrap();
    storage.crash_after(2);
    drop(put(&storage, NEW).await);
    storage.crash_after(usize::MAX);
    storage.store(&keys()[2], b"later json").await.unwrap();
    assert_eq!(get(&storage).await.unwrap(), [NEW[0], NEW[1], b"later json"]);
}

#[tokio::test]
async fn a_set_that_is_refused_at_once_leaves_no_journal() {
    let storage = Stepwise::new();
    put(&storage, OLD).await.unwrap();
    let [key, crt, _] = keys();
    storage.inner.store(&"a/dir/below".parse().unwrap(), b"1").await.unwrap();
    let dir: Key = "a/dir".parse().unwrap();
    let refused = storage.store_all(&[(&key, b"x"), (&dir, b"y"), (&crt, b"z")]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(storage.journals.lock().unwrap().is_empty());
    assert_eq!(get(&storage).await.unwrap(), OLD);
}

#[tokio::test]
async fn settling_finishes_the_set_and_removes_the_journal() {
    for crash in 1..=5 {
        let storage = Stepwise::new();
        storage.crash_after(crash);
        drop(put(&storage, NEW).await);
        storage.crash_after(usize::MAX);
        settle(&storage, &"a".parse().unwrap()).await.unwrap();
        assert!(storage.journals.lock().unwrap().is_empty());
        storage.inner.delete(&keys()[0]).await.unwrap();
        assert_eq!(get(&storage).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_bundle_beside_another_ones_journal_is_read_twice() {
    // The journal of one bundle is there; a whole new set of the other comes between the reads of its two keys.
    let mut storage = Stepwise::new();
    let (key, crt): (Key, Key) = ("a/b.key".parse().unwrap(), "a/b.crt".parse().unwrap());
    storage.store_all(&[(&key, b"old"), (&crt, b"old")]).await.unwrap();
    storage.crash_after(1);
    drop(put(&storage, NEW).await);
    for before in 1..=6 {
        *storage.reads.lock().unwrap() = 0;
        let old: [(&Key, &[u8]); 2] = [(&key, b"old"), (&crt, b"old")];
        for (key, value) in old {
            storage.inner.store(key, value).await.unwrap();
        }
        let both = Step::Store(vec![(key.clone(), b"new"), (crt.clone(), b"new")]);
        storage.before_read = Some(Arc::new(move |read| (read == before).then(|| both.clone())));
        let found = storage.load_bundle(&[&key, &crt]).await.unwrap();
        assert_eq!(found[0], found[1], "a set before read {before}");
    }
}

#[tokio::test]
async fn settling_late_writes_over_no_later_bundle() {
    let (key, crt): (Key, Key) = ("a/a.key".parse().unwrap(), "a/a.crt".parse().unwrap());
    let mut storage = Stepwise::new();
    storage.crash_after(2);
    let bundle: [(&Key, &[u8]); 2] = [(&key, b"new key"), (&crt, b"new crt")];
    store_all(&storage, &bundle).await.unwrap_err();
    storage.crash_after(usize::MAX);
    // Between the look at the certificate and its write, another one finishes this bundle and writes the next.
    let later: Values = vec![(key.clone(), b"later key"), (crt.clone(), b"later crt")];
    storage.conditional = Some(Arc::new(Mutex::new(later)));
    settle(&storage, &"a".parse().unwrap()).await.unwrap();
    assert_eq!(load_bundle(&storage, &[&key, &crt]).await.unwrap(), ["later key", "later crt"]);
}
