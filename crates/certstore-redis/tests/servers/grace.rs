//! The grace after a restart.

use std::time::{Duration, Instant};

use certstore_conformance::servers::RedisOptions;
use certstore_core::{Locker as _, Storage as _};

use crate::{LIMIT, config, key, name, open, start, until, within};

#[tokio::test]
async fn no_lock_is_granted_before_it_is_over() {
    let grace = Duration::from_secs(3);
    let server = start(RedisOptions { appendonly: true, ..RedisOptions::default() });
    let mut careful = config(&server);
    careful.restart_grace = grace;
    let storage = open(&careful).await;
    // The server was started a moment ago.
    let first = within("the first grace ends", LIMIT, storage.lock(&name("job"))).await;
    first.expect("locked").unlock().await.expect("unlocked");

    server.process().expect("our own").restart().expect("restarted");
    until("it answers again", || async { storage.exists(&key("a")).await.is_ok() }).await;
    let begun = Instant::now();
    assert!(storage.try_lock(&name("job")).await.expect("an answer").is_none());
    assert!(storage.locks().await.expect("listed").is_empty(), "nobody holds it");
    storage.store(&key("a"), b"1").await.expect("values are stored meanwhile");
    let lock = within("the grace ends", LIMIT, storage.lock(&name("job"))).await.expect("locked");
    assert!(begun.elapsed() >= grace, "{:?}", begun.elapsed());
    lock.unlock().await.expect("unlocked");
    // Over for all names.
    let other = storage.try_lock(&name("other")).await.expect("an answer").expect("granted");
    other.unlock().await.expect("unlocked");
}

#[tokio::test]
async fn without_one_locks_are_granted_at_once() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    server.process().expect("our own").restart().expect("restarted");
    until("it answers again", || async { storage.exists(&key("a")).await.is_ok() }).await;
    let lock = storage.try_lock(&name("job")).await.expect("an answer").expect("granted");
    lock.unlock().await.expect("unlocked");
}
