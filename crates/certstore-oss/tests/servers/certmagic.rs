//! Locks that are shared with certmagic-oss, whose part is played by a client that does what it does.

use std::time::Duration;

use certstore_conformance::loopback_oss::{Effect, Fault, Op};
use certstore_core::{Dir, ErrorKind, Locker as _, Storage as _};
use certstore_oss::{LockMode, OssConfig, OssStorage};

use crate::raw::Raw;
use crate::rig::{Rig, die_with, key, name, open, refused, soon};

const LOCK: &str = "p/job.lock";

fn config(rig: &Rig) -> OssConfig {
    let mut config = rig.config();
    config.lock_mode = LockMode::CertmagicOss;
    config.lock_expiration = Duration::from_secs(60);
    config.lock_poll_interval = Duration::from_millis(20);
    config
}

async fn ours(rig: &Rig) -> OssStorage {
    open(&config(rig)).await
}

/// A node with certmagic-oss: creates an empty object, takes one for dead by its age, deletes and tries again.
struct Node {
    raw: Raw,
    expiration: Duration,
}

impl Node {
    fn new(rig: &Rig, expiration: u64) -> Self {
        Self { raw: rig.raw(), expiration: Duration::from_secs(expiration) }
    }

    fn create(&self) -> bool {
        let reply = self.raw.send("PUT", LOCK, "x-oss-forbid-overwrite: true", b"");
        assert!(matches!(reply.status, 200 | 409), "{reply:?}");
        reply.status == 200
    }

    fn age(&self) -> Option<Duration> {
        let head = self.raw.send("HEAD", LOCK, "", b"");
        (head.status == 200).then(|| {
            head.time("date").duration_since(head.time("last-modified")).unwrap_or_default()
        })
    }

    /// One round of its loop; whether it holds the lock then.
    fn try_lock(&self) -> bool {
        if self.create() {
            return true;
        }
        if self.age().is_some_and(|age| age > self.expiration) {
            self.raw.delete(LOCK);
            return self.create();
        }
        false
    }

    fn unlock(&self) {
        self.raw.delete(LOCK);
    }
}

#[tokio::test]
async fn both_respect_each_other() {
    let rig = Rig::start();
    let (storage, node) = (ours(&rig).await, Node::new(&rig, 60));
    assert!(node.try_lock());
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    let told = storage.locks().await.unwrap();
    assert_eq!(told[0].name, "job");
    assert!(told[0].holder.as_deref().unwrap().contains("Caddy"));
    let waiting = tokio::spawn({
        let storage = storage.clone();
        async move { storage.lock(&name("job")).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    node.unlock();
    let held = soon(waiting).await.unwrap().unwrap();
    assert!(!node.try_lock());
    held.check().unwrap();
    held.unlock().await.unwrap();
    assert_eq!(rig.objects(LOCK), [""; 0]);
    assert!(node.try_lock());
}

#[tokio::test]
async fn a_lock_of_ours_stays_young_while_it_is_held() {
    let rig = Rig::start();
    let (storage, node) = (ours(&rig).await, Node::new(&rig, 60));
    let held = storage.lock(&name("job")).await.unwrap();
    for step in 1..=3 {
        rig.server.set_clock(step * 200);
        // Renewed every 0.5 s here, every 15 s by default.
        soon(async {
            while node.age().expect("it is there") > Duration::from_secs(5) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert!(!node.try_lock());
    }
    held.check().unwrap();
    held.unlock().await.unwrap();
}

#[tokio::test]
async fn a_dead_one_is_taken_a_minute_after_its_expiry_by_the_servers_dates() {
    let rig = Rig::start();
    let (storage, node) = (ours(&rig).await, Node::new(&rig, 60));
    assert!(node.try_lock());
    for (clock, free) in [(59, false), (115, false), (125, true)] {
        rig.server.set_clock(clock);
        let tried = storage.try_lock(&name("job")).await.unwrap();
        assert_eq!(tried.is_some(), free, "{clock} s");
        if let Some(held) = tried {
            held.unlock().await.unwrap();
        }
    }
    rig.server.set_clock(0);
    // One of ours that died is taken by both in the same way.
    die_with(&config(&rig), "job");
    assert!(!node.try_lock() && storage.try_lock(&name("job")).await.unwrap().is_none());
    rig.server.set_clock(125);
    let held = storage.try_lock(&name("job")).await.unwrap().expect("long out of date");
    assert!(!node.try_lock());
    held.unlock().await.unwrap();
}

#[tokio::test]
async fn two_of_ours_exclude_each_other() {
    let rig = Rig::start();
    let (storage, other) = (ours(&rig).await, ours(&rig).await);
    let held = storage.lock(&name("job")).await.unwrap();
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    let told = other.locks().await.unwrap();
    assert_eq!(told[0].token, Some(held.token()));
    other.break_lock(&name("job"), held.token()).await.unwrap();
    soon(held.lost()).await;
    refused(held.unlock().await, ErrorKind::LockLost);
    other.try_lock(&name("job")).await.unwrap().expect("free").unlock().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_was_taken_away_is_lost_and_not_given_back() {
    let rig = Rig::start();
    let (storage, node) = (ours(&rig).await, Node::new(&rig, 60));
    let held = storage.lock(&name("job")).await.unwrap();
    node.unlock();
    assert!(node.try_lock());
    soon(held.lost()).await;
    refused(held.unlock().await, ErrorKind::LockLost);
    assert!(node.age().is_some(), "the node's lock is still there");
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
}

#[tokio::test]
async fn lost_replies_are_recognised() {
    let rig = Rig::start();
    let (storage, node) = (ours(&rig).await, Node::new(&rig, 60));
    for effect in
        [Effect::LoseReply, Effect::Repeat, Effect::InternalErrorAfter, Effect::LoseRequest]
    {
        let fault = rig.fault(Fault::new(effect).on(Op::PutObject).key(LOCK));
        let held = soon(storage.lock(&name("job"))).await;
        let held = held.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(fault.fired(), 1, "{effect:?}");
        assert!(!node.try_lock(), "{effect:?}");
        let fault = rig.fault(Fault::new(effect).on(Op::DeleteObject).key(LOCK));
        rig.server.clear_requests();
        soon(held.unlock()).await.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        // Sent again only when it was seen not to be done: by then the lock may be another's.
        let deletes = rig.server.requests().of(Op::DeleteObject);
        assert_eq!(deletes, if effect == Effect::LoseRequest { 2 } else { 1 }, "{effect:?}");
        assert_eq!((fault.fired(), rig.objects(LOCK)), (1, Vec::new()), "{effect:?}");
    }
}

#[tokio::test]
async fn locks_among_the_values_are_in_no_list() {
    let rig = Rig::start();
    let storage = ours(&rig).await;
    let held = storage.lock(&name("dir/job")).await.unwrap();
    storage.store(&key("dir/a"), b"value").await.unwrap();
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("dir"), key("dir/a")]);
    assert_eq!(storage.foreign(&Dir::ROOT).await.unwrap(), [""; 0]);
    let error = refused(storage.store(&key("a.lock"), b"x").await, ErrorKind::InvalidKey);
    assert!(error.to_string().contains("lock_mode"), "{error}");
    // A delete of the directory leaves the lock to its holder.
    storage.delete(&key("dir")).await.unwrap();
    assert_eq!(rig.objects("p/dir"), ["p/dir/job.lock"]);
    held.check().unwrap();
    held.unlock().await.unwrap();
    for bad in ["../job", "a/./b"] {
        refused(storage.try_lock(&name(bad)).await, ErrorKind::InvalidKey);
    }
}

#[tokio::test]
async fn without_that_mode_an_empty_lock_object_is_a_value() {
    let rig = Rig::start();
    let storage = rig.open().await;
    assert!(Node::new(&rig, 60).try_lock());
    let at = key("job.lock");
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), std::slice::from_ref(&at));
    assert_eq!(storage.load(&at).await.unwrap(), "");
}

#[tokio::test]
async fn buckets_of_certmagic_oss_open_unchanged() {
    let rig = Rig::start();
    // No prefix, the object's name is the key, the body the value.
    let at = "certificates/acme-v02/example.com/example.com.crt";
    rig.raw().put(at, b"\x01\x02sealed or not");
    let storage = open(&rig.site.config("")).await;
    assert_eq!(storage.load(&key(at)).await.unwrap().as_ref(), b"\x01\x02sealed or not");
    storage.store(&key(at), b"ours").await.unwrap();
    assert_eq!(rig.raw().get(at).unwrap(), b"ours");
}
