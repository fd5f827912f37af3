//! A lock goes from one process to another at the speed of a message.

use std::time::{Duration, Instant};

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::Locker as _;
use certstore_redis::{RedisConfig, WakeUp};

use crate::{LIMIT, config, name, open, start, until, within};

const CHANNEL: &str = "{test}:releases:0";

/// Polls so rare that only a message can be the reason.
fn rare_polls(server: &RedisServer) -> RedisConfig {
    let mut config = config(server);
    config.lease = Duration::from_secs(300);
    config.poll_min = Some(Duration::from_secs(30));
    config.poll_max = Some(Duration::from_secs(30));
    config
}

fn listeners(server: &RedisServer) -> usize {
    let told = server.cli(&["PUBSUB", "NUMSUB", CHANNEL]).expect("told");
    told.lines().nth(1).and_then(|count| count.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_notification() {
    let server = start(RedisOptions::default());
    let config = rare_polls(&server);
    let (one, other) = (open(&config).await, std::sync::Arc::new(open(&config).await));
    let mut times = Vec::new();
    for _ in 0..21 {
        let held = one.lock(&name("job")).await.expect("locked");
        let waiter = other.clone();
        let waiting = tokio::spawn(async move {
            let lock = waiter.lock(&name("job")).await.expect("locked");
            (Instant::now(), lock)
        });
        until("the other one listens", || async { listeners(&server) > 0 }).await;
        let begun = Instant::now();
        held.unlock().await.expect("unlocked");
        let (got, lock) =
            within("the other one has it", LIMIT / 3, waiting).await.expect("no panic");
        times.push(got - begun);
        lock.unlock().await.expect("unlocked");
    }
    times.sort();
    println!("hand-over p50 {:?}, slowest {:?}", times[times.len() / 2], times.last());
    assert!(times[times.len() / 2] < Duration::from_secs(1), "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_connection_was_cut() {
    let server = start(RedisOptions::default());
    let config = rare_polls(&server);
    let (one, other) = (open(&config).await, open(&config).await);
    let held = one.lock(&name("job")).await.expect("locked");
    let waiting = tokio::spawn(async move { other.lock(&name("job")).await });
    until("the other one listens", || async { listeners(&server) > 0 }).await;
    server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).expect("cut");
    until("it listens again", || async { listeners(&server) > 0 }).await;
    held.unlock().await.expect("unlocked");
    let lock = within("the other one has it", LIMIT / 3, waiting).await.expect("no panic");
    lock.expect("locked").unlock().await.expect("unlocked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_polls_alone() {
    let server = start(RedisOptions::default());
    let mut config = config(&server);
    config.wake = WakeUp::None;
    let (one, other) = (open(&config).await, open(&config).await);
    let held = one.lock(&name("job")).await.expect("locked");
    let waiting = tokio::spawn(async move { other.lock(&name("job")).await });
    tokio::task::yield_now().await;
    held.unlock().await.expect("unlocked");
    let lock = within("the other one has it", LIMIT, waiting).await.expect("no panic");
    lock.expect("locked").unlock().await.expect("unlocked");
    assert_eq!(listeners(&server), 0);
}
