//! Locks shared with Caddy nodes: exclusion both ways, crashes, tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use certstore_core::{ErrorKind, FencingToken, Lock, Locker as _};
use certstore_postgres::PostgresStorage;
use tokio::time::{sleep, timeout};

use crate::peer::{HEARTBEAT, LEASE, Node, Peer};
use crate::support::{Database, name};

const ROW: &str = "SELECT record_version_number IS NULL, owner, data IS NOT NULL FROM caddy_locks WHERE name = 'job'";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The lock, which must come within `limit`.
async fn locked(storage: &PostgresStorage, limit: Duration) -> Lock {
    let lock = timeout(limit, storage.lock(&name("job"))).await;
    lock.expect("the lock comes in time").unwrap()
}

/// A certstore process that dies holding the lock: a runtime that stands still for good.
async fn killed_holder(database: &Database) -> FencingToken {
    let config = database.config();
    let holder = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let token = runtime.block_on(async {
            let storage = PostgresStorage::open(&config).await.unwrap();
            let lock = storage.lock(&name("job")).await.unwrap();
            let token = lock.token();
            std::mem::forget(lock);
            token
        });
        runtime.shutdown_background();
        token
    });
    tokio::task::spawn_blocking(|| holder.join().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_peers_lock_keeps_us_out_until_it_is_given_back() {
    let database = Database::of_plugin();
    let (storage, mut peer) = (database.open().await, Peer::new(&database).await);
    peer.lock("job").await;
    let held = Instant::now();
    // Over two heartbeats, and several of our own leases.
    while held.elapsed() < HEARTBEAT * 2 + seconds(2) {
        assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
        sleep(Duration::from_millis(200)).await;
    }
    let waiting = tokio::spawn(async move { locked(&storage, seconds(10)).await });
    sleep(seconds(1)).await;
    assert!(!waiting.is_finished());
    peer.unlock("job").await;
    let lock = timeout(seconds(3), waiting).await.expect("a poll suffices").unwrap();
    lock.check().unwrap();
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn our_lock_keeps_a_peer_out_until_it_is_given_back() {
    let database = Database::of_plugin();
    let (storage, mut peer) = (database.open().await, Peer::new(&database).await);
    let lock = locked(&storage, seconds(5)).await;
    let waiting = tokio::spawn(async move {
        peer.lock("job").await;
        peer
    });
    // Past the peer's lease: it has looked twice and seen the number change.
    sleep(LEASE + seconds(3)).await;
    assert!(!waiting.is_finished());
    lock.check().unwrap();
    lock.unlock().await.unwrap();
    let mut peer = timeout(LEASE + seconds(5), waiting).await.expect("its next look").unwrap();
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    peer.unlock("job").await;
}

#[tokio::test]
async fn a_peer_takes_what_we_gave_back_at_its_first_look() {
    let database = Database::of_plugin();
    let (storage, mut peer) = (database.open().await, Peer::new(&database).await);
    let first = locked(&storage, seconds(5)).await;
    let token = first.token();
    first.unlock().await.unwrap();
    assert!(database.sql(ROW).starts_with("t|certstore:"), "{}", database.sql(ROW));
    timeout(seconds(5), peer.lock("job")).await.expect("it waits for nobody");
    // It keeps our record, and is not taken for us.
    assert_eq!(database.sql(ROW), "f|3b241101-e2bb-4255-8caf-4136c566a962|t");
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    let shown = storage.locks().await.unwrap();
    assert_eq!((shown.len(), shown[0].token), (1, None));
    assert_eq!(shown[0].holder.as_deref(), Some("Caddy 3b241101-e2bb-4255-8caf-4136c566a962"));
    peer.unlock("job").await;
    assert_eq!(database.sql(ROW), "");
    let second = locked(&storage, seconds(5)).await;
    assert!(second.token() > token);
    second.unlock().await.unwrap();
}

#[tokio::test]
async fn a_dead_peers_lock_is_taken_after_its_lease() {
    let database = Database::of_plugin();
    let (storage, mut peer) = (database.open().await, Peer::new(&database).await);
    let first = locked(&storage, seconds(5)).await;
    let token = first.token();
    first.unlock().await.unwrap();
    peer.lock("job").await;
    peer.crash().await;
    let dead = Instant::now();
    let lock = locked(&storage, LEASE + seconds(8)).await;
    assert!(dead.elapsed() >= LEASE - seconds(1), "after {:?}", dead.elapsed());
    assert!(lock.token() > token);
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn our_dead_holders_lock_is_taken_by_a_peer_after_its_lease() {
    let database = Database::of_plugin();
    let (storage, mut peer) = (database.open().await, Peer::new(&database).await);
    let token = killed_holder(&database).await;
    let dead = Instant::now();
    timeout(LEASE + seconds(8), peer.lock("job")).await.expect("its second look");
    assert!(dead.elapsed() >= LEASE - seconds(1), "after {:?}", dead.elapsed());
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    peer.unlock("job").await;
    let lock = locked(&storage, seconds(5)).await;
    assert!(lock.token() > token);
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_a_peer_took_from_us_is_lost() {
    let database = Database::of_plugin();
    let storage = database.open().await;
    let lock = locked(&storage, seconds(5)).await;
    let lost = lock.lost();
    // As if this process had stood still for the peer's lease.
    database.sql(
        "UPDATE caddy_locks SET record_version_number = nextval('caddy_locks_rvn'), owner = 'caddy' WHERE name = 'job'",
    );
    timeout(seconds(4), lost).await.expect("the next renewal tells");
    assert_eq!(lock.check().unwrap_err().kind(), ErrorKind::LockLost);
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    assert!(database.sql(ROW).starts_with("f|caddy|"), "an unlock freed the peer's lock");
}

#[tokio::test]
async fn a_peers_lock_is_broken_by_token_0_only() {
    let database = Database::of_plugin();
    let storage = database.open().await;
    let mut node = Node::new(&database, LEASE, Duration::from_millis(100)).await;
    let first = locked(&storage, seconds(5)).await;
    let token = first.token();
    first.unlock().await.unwrap();
    assert!(node.lock("job").await);
    for wrong in [token.0, token.0 + 1, token.0 + 9, 1] {
        let refused = storage.break_lock(&name("job"), FencingToken(wrong)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    }
    // A heartbeat may come between.
    while storage.break_lock(&name("job"), FencingToken(0)).await.is_err() {}
    let lock = locked(&storage, seconds(5)).await;
    assert!(lock.token() > token);
    assert!(!node.unlock().await, "the node still had it");
    lock.check().unwrap();
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn names_as_long_as_the_column() {
    let database = Database::of_plugin();
    let storage = database.open().await;
    let longest = "\u{e9}".repeat(255);
    let lock = storage.lock(&name(&longest)).await.unwrap();
    assert_eq!(storage.locks().await.unwrap()[0].name, longest);
    lock.unlock().await.unwrap();
    let refused = storage.try_lock(&name(&"n".repeat(256))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidKey);
    assert!(refused.to_string().contains("255"), "{refused}");
}

/// Everybody at once, with a peer's times shortened: never two inside.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_meets_anybody_inside() {
    let database = Arc::new(Database::of_plugin());
    let (inside, turns) =
        (Arc::new(AtomicUsize::new(0)), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
    let end = Instant::now() + seconds(12);
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let (database, inside, turns) = (database.clone(), inside.clone(), turns.clone());
        tasks.push(tokio::spawn(async move {
            let (storage, mut last) = (database.open().await, 0);
            while Instant::now() < end {
                let lock = storage.lock(&name("job")).await.unwrap();
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two inside");
                assert!(lock.token().0 > last);
                last = lock.token().0;
                sleep(Duration::from_millis(20)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                turns[0].fetch_add(1, Ordering::SeqCst);
                lock.unlock().await.unwrap();
                sleep(Duration::from_millis(60)).await;
            }
        }));
    }
    for _ in 0..3 {
        let (database, inside, turns) = (database.clone(), inside.clone(), turns.clone());
        tasks.push(tokio::spawn(async move {
            // A wait of 3 s between two looks, and our renewals every 0.7 s.
            let mut node = Node::new(&database, seconds(3), Duration::from_millis(700)).await;
            while Instant::now() < end {
                node.lock("job").await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two inside");
                sleep(Duration::from_millis(50)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                turns[1].fetch_add(1, Ordering::SeqCst);
                assert!(node.unlock().await);
                // The plugin tells nobody: who takes it again at once leaves the others no time to look.
                sleep(Duration::from_millis(300)).await;
            }
        }));
    }
    for ended in futures_util::future::join_all(tasks).await {
        ended.unwrap();
    }
    let [ours, theirs] = [&turns[0], &turns[1]].map(|turns| turns.load(Ordering::SeqCst));
    assert!(ours > 0 && theirs > 0, "{ours} turns of ours, {theirs} of the peers");
}
