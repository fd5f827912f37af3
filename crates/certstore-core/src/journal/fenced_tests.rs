//! Every interleaving of a holder who is overtaken with the newer one, stopped or dead at any step.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::super::{JournalStore, load_bundle, store_all};
use super::{FencedJournals, forget, store_all_fenced};
use crate::lease::Swap;
use crate::{
    Capabilities, Dir, ErrorKind, Key, KeyInfo, Lock, LockName, Locker, MemoryStorage, Release,
    Result, Storage, SystemClock, Validity, Version, Versioned,
};

/// One value at a time over the memory backend; every step waits once before it is done.
#[derive(Clone)]
struct Steps {
    inner: MemoryStorage,
    journals: Arc<Mutex<HashMap<String, Versioned>>>,
    versions: Arc<Mutex<u64>>,
}

impl Steps {
    fn new() -> Self {
        Self { inner: MemoryStorage::new(), journals: Arc::default(), versions: Arc::default() }
    }

    fn put_journal(&self, dir: &Dir, journal: &[u8]) -> Version {
        let mut versions = self.versions.lock().unwrap();
        *versions += 1;
        let version = Version::new(versions.to_string());
        let found = Versioned { value: Bytes::copy_from_slice(journal), version: version.clone() };
        self.journals.lock().unwrap().insert(dir.to_string(), found);
        version
    }
}

crate::forward_locker!(Steps => inner);

#[async_trait]
impl Storage for Steps {
    fn backend(&self) -> &'static str {
        "steps"
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal()
    }
    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        tokio::task::yield_now().await;
        self.inner.store(key, value).await
    }
    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        tokio::task::yield_now().await;
        self.inner.store_fenced(key, value, guard).await
    }
    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        store_all(self, items).await
    }
    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }
    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.inner.load_versioned(key).await
    }
    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        load_bundle(self, keys).await
    }
    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }
    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.before_delete(key, Some(guard)).await?;
        tokio::task::yield_now().await;
        self.inner.delete_fenced(key, guard).await
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
impl JournalStore for Steps {
    async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        Ok(self.journals.lock().unwrap().get(dir.as_str()).map(|found| found.value.clone()))
    }
    async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()> {
        self.put_journal(dir, journal);
        Ok(())
    }
    async fn remove_journal(&self, dir: &Dir) -> Result<()> {
        self.journals.lock().unwrap().remove(dir.as_str());
        Ok(())
    }
    async fn before_delete(&self, key: &Key, guard: Option<&Lock>) -> Result<()> {
        forget(self, key, guard).await
    }
}

#[async_trait]
impl FencedJournals for Steps {
    async fn load_under(&self, key: &Key, guard: &Lock) -> Result<Option<Versioned>> {
        tokio::task::yield_now().await;
        self.inner.check_stamp(key, guard)?;
        match self.inner.load_versioned(key).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }
    async fn versioned_journal(&self, dir: &Dir) -> Result<Option<Versioned>> {
        tokio::task::yield_now().await;
        Ok(self.journals.lock().unwrap().get(dir.as_str()).cloned())
    }
    async fn swap_journal(
        &self,
        dir: &Dir,
        over: Option<&Version>,
        journal: &[u8],
        _: Option<&Lock>,
    ) -> Result<Swap> {
        tokio::task::yield_now().await;
        let found =
            self.journals.lock().unwrap().get(dir.as_str()).map(|found| found.version.clone());
        if found.as_ref() != over {
            return Ok(Swap::Conflict);
        }
        let version = self.put_journal(dir, journal);
        Ok(Swap::Done(version))
    }
    async fn retire_journal(&self, dir: &Dir, version: &Version) -> Result<bool> {
        tokio::task::yield_now().await;
        let mut journals = self.journals.lock().unwrap();
        let ours = journals.get(dir.as_str()).is_some_and(|found| found.version == *version);
        if ours {
            journals.remove(dir.as_str());
        }
        Ok(ours)
    }
}

struct Nothing;

#[async_trait]
impl Release for Nothing {
    async fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// The guards of holders one after another, none of whom knows that it was overtaken. Of another locker: of its own the
/// memory backend would refuse an older one at once.
async fn holders<const N: usize>() -> [Lock; N] {
    let (elsewhere, name) = (MemoryStorage::new(), LockName::new("issue").unwrap());
    let mut guards = Vec::new();
    for _ in 0..N {
        let held = elsewhere.lock(&name).await.unwrap();
        let validity = Validity::unlimited(Arc::new(SystemClock));
        let (token, locker) = (held.token(), held.locker_id().clone());
        guards.push(Lock::new(name.clone(), token, locker, validity, Box::new(Nothing)));
        held.unlock().await.unwrap();
    }
    guards.try_into().unwrap_or_else(|_| unreachable!("there are N"))
}

fn keys() -> [Key; 3] {
    ["a/a.key", "a/a.crt", "a/a.json"].map(|key| key.parse().unwrap())
}

async fn put(storage: &Steps, values: [&'static [u8]; 3], guard: &Lock) -> Result<()> {
    let [key, crt, json] = keys();
    let items: [(&Key, &[u8]); 3] = [(&key, values[0]), (&crt, values[1]), (&json, values[2])];
    store_all_fenced(storage, &items, guard).await
}

async fn get(storage: &Steps) -> Option<Vec<Bytes>> {
    let [key, crt, json] = keys();
    match storage.load_bundle(&[&key, &crt, &json]).await {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        found => Some(found.unwrap()),
    }
}

const FIRST: [&[u8]; 3] = [b"1 key", b"1 crt", b"1 json"];
/// With the same key, as a renewal may have.
const OLDER: [&[u8]; 3] = [b"1 key", b"2 crt", b"2 json"];
const NEWER: [&[u8]; 3] = [b"3 key", b"3 crt", b"3 json"];
const LAST: [&[u8]; 3] = [b"4 key", b"4 crt", b"4 json"];

/// More steps than a bundle takes, and one that has another one's to finish.
const ALONE: usize = 10;
const STEPS: usize = 19;

/// Polls so many times; the output if that was enough.
fn steps<F: Future + ?Sized>(mut future: Pin<&mut F>, polls: usize) -> Option<F::Output> {
    let mut cx = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut cx) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    })
}

/// Who begins, and how many steps each goes: the first, the other, the first again, the other again.
#[derive(Debug, Clone, Copy)]
struct Turns {
    older_begins: bool,
    /// The older one deletes the certificate instead of storing its bundle.
    older_deletes: bool,
    there_before: bool,
    steps: [usize; 4],
}

/// Both holders by turns; who is not done then has died. Whether the one who began was done in its first turn.
async fn by_turns(turns: Turns) -> bool {
    let storage = Steps::new();
    let [one, two, three, four] = holders().await;
    if turns.there_before {
        put(&storage, FIRST, &one).await.unwrap();
    }
    let (mut older, mut newer) = (None, None);
    let done;
    {
        let crt = &keys()[1];
        let mut two: Pin<Box<dyn Future<Output = Result<()>>>> = match turns.older_deletes {
            true => Box::pin(storage.delete_fenced(crt, &two)),
            false => Box::pin(put(&storage, OLDER, &two)),
        };
        let mut three = pin!(put(&storage, NEWER, &three));
        let mut turn = |of_older: bool, polls| match of_older {
            true if older.is_none() => older = steps(two.as_mut(), polls),
            false if newer.is_none() => newer = steps(three.as_mut(), polls),
            _ => {}
        };
        turn(turns.older_begins, turns.steps[0]);
        turn(!turns.older_begins, turns.steps[1]);
        turn(turns.older_begins, turns.steps[2]);
        turn(!turns.older_begins, turns.steps[3]);
        done = turns.steps[1..] == [0, 0, 0]
            && if turns.older_begins { older.is_some() } else { newer.is_some() };
    }
    let found = get(&storage).await;
    let whole = |set: [&[u8]; 3]| found.as_ref().is_some_and(|found| *found == set);
    let known = whole(FIRST) || whole(OLDER) || whole(NEWER);
    let may_be_none = turns.older_deletes || !turns.there_before;
    assert!(known || (found.is_none() && may_be_none), "{turns:?}: {found:?}");
    if let Some(Err(error)) = older {
        assert_eq!(error.kind(), ErrorKind::Fenced, "{turns:?}: {error}");
    }
    if let Some(stored) = newer {
        stored.unwrap_or_else(|error| panic!("{turns:?}: {error}"));
        assert!(whole(NEWER), "{turns:?}: {found:?}");
    }
    put(&storage, LAST, &four).await.unwrap();
    assert_eq!(get(&storage).await.unwrap(), LAST, "{turns:?}");
    assert!(storage.journals.lock().unwrap().is_empty(), "{turns:?}");
    done
}

async fn every_turn(older_begins: bool, older_deletes: bool) {
    for there_before in [true, false] {
        let turns = |steps| Turns { older_begins, older_deletes, there_before, steps };
        assert!(by_turns(turns([ALONE, 0, 0, 0])).await, "{ALONE} steps are not enough");
        for first in 1..ALONE {
            for other in 0..=STEPS {
                for again in 0..=STEPS {
                    for last in [0, STEPS] {
                        by_turns(turns([first, other, again, last])).await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_holder_who_is_overtaken_at_any_step_mixes_nothing() {
    every_turn(true, false).await;
}

#[tokio::test]
async fn a_holder_who_wakes_at_any_step_of_a_newer_one_mixes_nothing() {
    every_turn(false, false).await;
}

#[tokio::test]
async fn a_holder_who_is_overtaken_in_a_delete_takes_nothing_from_a_newer_bundle() {
    every_turn(true, true).await;
    every_turn(false, true).await;
}

#[tokio::test]
async fn an_older_holder_writes_nothing_over_a_newer_ones_value() {
    for written in 0..3 {
        let (storage, [one, two, three]) = (Steps::new(), holders().await);
        put(&storage, FIRST, &one).await.unwrap();
        storage.store_fenced(&keys()[written], b"newer", &three).await.unwrap();
        let late = put(&storage, OLDER, &two).await.unwrap_err();
        assert_eq!((late.kind(), late.may_have_applied()), (ErrorKind::Fenced, false));
        let mut expected = FIRST;
        expected[written] = b"newer";
        assert_eq!(get(&storage).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_journal_that_anybody_wrote_is_finished_first() {
    let (storage, [one]) = (Steps::new(), holders().await);
    let [key, crt, json] = keys();
    let all: [(&Key, &[u8]); 3] = [(&key, FIRST[0]), (&crt, FIRST[1]), (&json, FIRST[2])];
    // It dies after its first value.
    assert!(steps(pin!(store_all(&storage, &all)), 2).is_none());
    let [(key, _), (crt, _), _] = all;
    store_all_fenced(&storage, &[(key, OLDER[0]), (crt, OLDER[1])], &one).await.unwrap();
    assert_eq!(get(&storage).await.unwrap(), [OLDER[0], OLDER[1], FIRST[2]]);
    assert!(storage.journals.lock().unwrap().is_empty());
}
