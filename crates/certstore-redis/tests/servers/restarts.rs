//! Servers that are killed and come back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{Dir, ErrorKind, Key, Locker as _, Storage as _};
use certstore_redis::RedisStorage;
use futures_util::TryStreamExt as _;

use crate::{LIMIT, config, key, name, open, start, until, within};

/// Stores until it is told to stop; what was confirmed last of each key, and the keys whose last write is in doubt.
async fn load(
    storage: Arc<RedisStorage>,
    task: usize,
    stop: Arc<AtomicBool>,
) -> (BTreeMap<Key, String>, Vec<Key>) {
    let (mut confirmed, mut unclear) = (BTreeMap::new(), Vec::new());
    for round in 0_u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = key(&format!("load/{task}/{}/value", round % 17));
        let text = round.to_string();
        let done = if round % 5 == 4 {
            storage.delete(&key).await.map(|()| None)
        } else {
            storage.store(&key, text.as_bytes()).await.map(|_| Some(text))
        };
        match done {
            Ok(Some(text)) => drop(confirmed.insert(key, text)),
            Ok(None) => drop(confirmed.remove(&key)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                unclear.push(key);
                tokio::task::yield_now().await;
            }
        }
    }
    (confirmed, unclear)
}

/// Every key of the index has its value, and every value is in the index.
async fn agree(server: &RedisServer, storage: &RedisStorage) {
    let infos: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await.expect("walked");
    let mut indexed: Vec<String> = infos
        .iter()
        .filter(|info| info.is_terminal)
        .map(|info| format!("{{test}}:value:{}", info.key))
        .collect();
    let found = server.cli(&["--scan", "--pattern", "{test}:value:*"]).expect("told");
    let mut found: Vec<String> = found.lines().map(str::to_owned).collect();
    indexed.sort();
    found.sort();
    assert_eq!(indexed, found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load() {
    let server = start(RedisOptions { appendonly: true, ..RedisOptions::default() });
    let storage = Arc::new(open(&config(&server)).await);
    for _ in 0..2 {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> =
            (0..4).map(|task| tokio::spawn(load(storage.clone(), task, stop.clone()))).collect();
        until("the load has begun", || async {
            storage.list(&Dir::ROOT, true).await.is_ok_and(|keys| keys.len() > 20)
        })
        .await;
        server.process().expect("our own").kill().expect("killed");
        stop.store(true, Ordering::Relaxed);
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(within("the load ends", LIMIT, task).await.expect("no panic"));
        }
        server.process().expect("our own").start_again().expect("started");
        until("the same storage works again", || async {
            storage.exists(&key("load")).await.is_ok()
        })
        .await;
        agree(&server, &storage).await;
        for (confirmed, unclear) in ends {
            for (key, text) in confirmed.into_iter().filter(|(key, _)| !unclear.contains(key)) {
                let stored = storage.load(&key).await.unwrap_or_else(|error| panic!("{error:?}"));
                assert_eq!(stored.as_ref(), text.as_bytes(), "{key}");
            }
        }
    }
}

#[tokio::test]
async fn a_lock_outlives_a_restart_of_the_server() {
    let server = start(RedisOptions { appendonly: true, ..RedisOptions::default() });
    let mut config = config(&server);
    config.lease = Duration::from_secs(6);
    let (storage, other) = (open(&config).await, open(&config).await);
    let lock = storage.lock(&name("job")).await.expect("locked");
    let renewed = || async {
        let locks = other.locks().await.ok()?;
        locks.first().and_then(|lock| lock.renewed)
    };
    let before = renewed().await.expect("it is held");
    server.process().expect("our own").restart().expect("restarted");
    until("the holder renews", || async { renewed().await.is_some_and(|after| after > before) })
        .await;
    lock.check().expect("it is still held");
    assert!(other.try_lock(&name("job")).await.expect("an answer").is_none());
    storage.store_fenced(&key("a"), b"1", &lock).await.expect("stored");
    lock.unlock().await.expect("unlocked");
}

#[tokio::test]
async fn a_server_that_lost_its_memory_fails_closed() {
    let server = start(RedisOptions::default());
    let config = config(&server);
    let storage = open(&config).await;
    let lock = storage.lock(&name("job")).await.expect("locked");
    let token = lock.token();
    server.process().expect("our own").kill().expect("killed");
    server.process().expect("our own").start_again().expect("started");
    until("it answers again", || async { storage.exists(&key("a")).await.is_ok() }).await;
    lock.check().expect("its own clock says that it is held");
    let error = storage.store_fenced(&key("a"), b"1", &lock).await.expect_err("no record");
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}");
    assert!(!storage.exists(&key("a")).await.expect("an answer"));
    let next = open(&config).await.lock(&name("job")).await.expect("the new server grants it");
    assert!(next.token() > token);
    within("the old holder learns of it", LIMIT, lock.lost()).await;
}
