//! Caddy's holders and ours exclude each other.

use std::time::{Duration, Instant};

use certstore_core::{ErrorKind, FencingToken, LostReason};
use tokio::time::{sleep, timeout};

use super::peer::Peer;
use super::support::{cli, config, dir, name, open, prefix};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn our_lock_looks_like_theirs() {
    let prefix = prefix();
    let mut settings = config(&prefix);
    settings.lease = Duration::from_secs(15);
    let storage = open(&settings).await;
    assert_eq!(storage.capabilities().lease, Some(Duration::from_secs(5)));
    let lock = storage.lock(&name("issue_cert_example.com")).await.unwrap();
    let at = format!("{prefix}/locks/issue_cert_example.com");
    let value = cli(&["GET", &at]);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(value.len() == 22 && value.chars().all(plain), "{value}");
    let left: u64 = cli(&["PTTL", &at]).parse().unwrap();
    assert!((1..=5_000).contains(&left), "{left}");
    assert!(lock.remaining().unwrap() <= Duration::from_secs(4));
    // Nothing else of ours is where the plugin looks, and what it does not know is no string.
    assert_eq!(cli(&["--scan", "--pattern", &format!("{prefix}/*")]), at);
    let beside = cli(&["--scan", "--pattern", &format!("{prefix}~*")]);
    assert_eq!(cli(&["TYPE", &beside]), "hash");
    assert!(storage.list(&dir(""), true).await.unwrap().is_empty());
    lock.unlock().await.unwrap();
    assert_eq!(cli(&["EXISTS", &at]), "0");
}

#[tokio::test]
async fn a_peer_gets_nothing_while_we_hold() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let lock = storage.lock(&name("job")).await.unwrap();
    let mut peer = Peer::new(&prefix, "job", "AAAAAAAAAAAAAAAAAAAAAA").await;
    let start = Instant::now();
    // Three leases of one second, renewed.
    while start.elapsed() < Duration::from_millis(3_200) {
        assert!(!peer.obtain(5_000).await);
        assert!(!peer.release().await);
        lock.check().unwrap();
        sleep(Duration::from_millis(20)).await;
    }
    lock.unlock().await.unwrap();
    assert!(peer.obtain(5_000).await);
}

#[tokio::test]
async fn we_wait_while_a_peer_holds_and_renews() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let mut peer = Peer::new(&prefix, "job", "AAAAAAAAAAAAAAAAAAAAAA").await;
    assert!(peer.obtain(1_000).await);
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    let waiter = tokio::spawn({
        let storage = storage.clone();
        async move { storage.lock(&name("job")).await.unwrap() }
    });
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(3_000) {
        assert!(peer.refresh(1_000).await);
        assert!(!waiter.is_finished());
        sleep(Duration::from_millis(300)).await;
    }
    assert!(peer.release().await);
    let lock = timeout(LIMIT, waiter).await.unwrap().unwrap();
    assert!(!peer.obtain(1_000).await);
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn the_lock_of_a_peer_that_died_ends_with_its_time() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let mut peer = Peer::new(&prefix, "job", "AAAAAAAAAAAAAAAAAAAAAA").await;
    let start = Instant::now();
    assert!(peer.obtain(2_000).await);
    let lock = timeout(LIMIT, storage.lock(&name("job"))).await.unwrap().unwrap();
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(1_990), "{waited:?}");
    assert!(waited < Duration::from_secs(4), "{waited:?}");
    assert!(!peer.refresh(2_000).await);
    assert!(!peer.release().await);
    lock.check().unwrap();
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_peer_takes_over_when_we_died() {
    let prefix = prefix();
    let settings = config(&prefix);
    // A runtime that ends takes renewals and releases with it, as a process does.
    let died = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let lock = runtime.block_on(async { open(&settings).await.lock(&name("job")).await });
        runtime.shutdown_background();
        std::mem::forget(lock.unwrap());
    });
    died.join().unwrap();
    let mut peer = Peer::new(&prefix, "job", "AAAAAAAAAAAAAAAAAAAAAA").await;
    let start = Instant::now();
    assert!(!peer.obtain(5_000).await);
    while !peer.obtain(5_000).await {
        assert!(start.elapsed() < Duration::from_secs(3));
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_lock_that_a_peer_has_now_is_lost_and_left_alone() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let lock = storage.lock(&name("job")).await.unwrap();
    // As after a failover that lost the key.
    cli(&["DEL", &format!("{prefix}/locks/job")]);
    let mut peer = Peer::new(&prefix, "job", "AAAAAAAAAAAAAAAAAAAAAA").await;
    assert!(peer.obtain(10_000).await);
    let reason = timeout(LIMIT, lock.lost()).await.unwrap();
    assert_eq!(reason, LostReason::Stolen);
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    assert!(peer.refresh(10_000).await);
    assert!(peer.release().await);
}

#[tokio::test]
async fn a_lock_whose_key_vanished_is_lost() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let lock = storage.lock(&name("job")).await.unwrap();
    cli(&["DEL", &format!("{prefix}/locks/job")]);
    assert_eq!(timeout(LIMIT, lock.lost()).await.unwrap(), LostReason::Backend);
    let first = lock.token();
    let next = timeout(LIMIT, storage.lock(&name("job"))).await.unwrap().unwrap();
    assert!(next.token() > first);
}

#[tokio::test]
async fn holders_are_told_with_what_is_known_of_them() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let ours = storage.lock(&name("ours")).await.unwrap();
    let mut peer = Peer::new(&prefix, "theirs", "AAAAAAAAAAAAAAAAAAAAAA").await;
    assert!(peer.obtain(10_000).await);
    let locks = storage.locks().await.unwrap();
    let told: Vec<_> = locks.iter().map(|info| (info.name.as_str(), info.token)).collect();
    assert_eq!(told, [("ours", Some(ours.token())), ("theirs", None)]);
    assert!(locks[1].holder.as_deref().unwrap().contains("Caddy"));
    let broken = storage.break_lock(&name("theirs"), FencingToken(0)).await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::Conflict);
    assert!(peer.release().await);
    ours.unlock().await.unwrap();
    assert!(storage.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn names_are_paths() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let lock = storage.lock(&name("a//b/../c/")).await.unwrap();
    assert_eq!(cli(&["EXISTS", &format!("{prefix}/locks/a/c")]), "1");
    assert!(storage.try_lock(&name("a/c")).await.unwrap().is_none());
    lock.unlock().await.unwrap();
    // One that leads out of the folder could be the name of a value.
    let astray = storage.lock(&name("../certificates/x")).await.unwrap();
    assert_eq!(astray.name(), &name("../certificates/x"));
    assert_eq!(
        cli(&["--scan", "--pattern", &format!("{prefix}/*")]),
        format!("{prefix}/locks/%2E%2E%2Fcertificates%2Fx")
    );
    astray.unlock().await.unwrap();
}

#[tokio::test]
async fn a_release_wakes_a_waiter_of_another_process_at_once() {
    let prefix = prefix();
    let mut settings = config(&prefix);
    settings.lease = Duration::from_secs(5);
    settings.poll_min = Some(Duration::from_secs(30));
    settings.poll_max = Some(Duration::from_secs(30));
    let (one, other) = (open(&settings).await, open(&settings).await);
    for _ in 0..5 {
        let lock = one.lock(&name("job")).await.unwrap();
        let waiter = tokio::spawn({
            let other = other.clone();
            async move { other.lock(&name("job")).await.unwrap() }
        });
        // Until it listens.
        while cli(&["PUBSUB", "CHANNELS", &format!("{prefix}~*")]).is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        lock.unlock().await.unwrap();
        let next = timeout(LIMIT, waiter).await.unwrap().unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        next.unlock().await.unwrap();
    }
}
