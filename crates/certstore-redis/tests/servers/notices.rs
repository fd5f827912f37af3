//! A plain store over what is there and the notice of it: one step, for whoever writes, watches or may not.

use std::sync::Arc;

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{Change, Dir, ErrorKind, Secret, Storage as _};
use certstore_redis::RedisConfig;
use futures_util::StreamExt as _;

use crate::proxy::Proxy;
use crate::{LIMIT, config, key, open, start, through, until, within};

/// How many clients the server has.
fn clients(server: &RedisServer) -> usize {
    server.cli(&["CLIENT", "LIST"]).expect("listed").lines().count()
}

#[tokio::test]
async fn a_write_whose_notice_is_lost_is_not_done() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let (storage, other) = (open(&through(&proxy)).await, open(&config(&server)).await);
    storage.store(&key("a"), b"1").await.expect("stored");
    let mut changes = other.watch(&Dir::ROOT).await.expect("watched");
    let before = clients(&server);
    proxy.cut_before("PUBLISH");
    let error = storage.store(&key("a"), b"2").await.expect_err("the connection broke");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.may_have_applied(), "{error:?}");
    until("the server has seen the end", || async { clients(&server) < before }).await;
    assert_eq!(&other.load(&key("a")).await.expect("there")[..], b"1");
    storage.store(&key("b"), b"1").await.expect("a new connection");
    let next = within("a change", LIMIT, changes.next()).await.expect("a change");
    assert_eq!(next.expect("no error"), Change::Stored(key("b")));
}

#[tokio::test]
async fn who_watches_what_it_writes_takes_no_answer_for_another() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let storage = open(&through(&proxy)).await;
    storage.store(&key("a"), b"0").await.expect("stored");
    let mut changes = storage.watch(&Dir::ROOT).await.expect("watched");
    storage.store(&key("a"), b"0").await.expect("the server learns the script");
    for round in 1..=20_u8 {
        let before = proxy.round_trips();
        let version = storage.store(&key("a"), &[round]).await.expect("stored");
        assert_eq!(proxy.round_trips() - before, 1, "round {round}");
        let found = storage.load_versioned(&key("a")).await.expect("there");
        assert_eq!((&found.value[..], found.version), (&[round][..], version));
    }
    for _ in 0..=20 {
        let next = within("a change", LIMIT, changes.next()).await.expect("a change");
        assert_eq!(next.expect("no error"), Change::Stored(key("a")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_to_watch_while_it_writes_takes_no_answer_for_another() {
    let server = start(RedisOptions::default());
    for round in 0..10_u8 {
        let storage = Arc::new(open(&config(&server)).await);
        let writing = (0..4_u8).map(|writer| {
            let (storage, key) = (storage.clone(), key(&format!("round{round}/writer{writer}")));
            tokio::spawn(async move {
                for value in 0..50_u8 {
                    let version = storage.store(&key, &[value]).await.expect("stored");
                    let found = storage.load_versioned(&key).await.expect("there");
                    assert_eq!((&found.value[..], found.version), (&[value][..], version));
                }
            })
        });
        let writing: Vec<_> = writing.collect();
        until("it writes", || async {
            storage.exists(&key(&format!("round{round}"))).await.is_ok_and(|found| found)
        })
        .await;
        let watched = storage.watch(&Dir::ROOT).await.expect("watched");
        for writer in writing {
            within("all is written", LIMIT, writer).await.expect("the right answers");
        }
        drop(watched);
    }
}

/// A user with all of the documentation's rights but some.
fn limited(server: &RedisServer, proxy: &Proxy, without: &[&str]) -> RedisConfig {
    let rules = "ACL SETUSER app on >pw ~{test}:* &{test}:* -@all +@connection +@read +@write -@dangerous +eval +evalsha +multi +exec +publish +subscribe +time +info";
    let words: Vec<&str> = rules.split(' ').filter(|word| !without.contains(word)).collect();
    server.cli(&words).expect("the user is made");
    let mut config = through(proxy);
    config.username = Some("app".into());
    config.password = Some(Secret::new("pw"));
    config
}

#[tokio::test]
async fn who_may_not_use_transactions_writes_and_tells_by_a_script() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let watching = open(&config(&server)).await;
    for without in [&["+multi", "+exec"][..], &["+multi"], &["+exec"]] {
        let storage = open(&limited(&server, &proxy, without)).await;
        let mut changes = watching.watch(&Dir::ROOT).await.expect("watched");
        for _ in 0..2 {
            storage.store(&key("a"), b"1").await.expect("stored, and the script learnt");
        }
        let before = proxy.round_trips();
        storage.store(&key("a"), b"2").await.expect("stored");
        assert_eq!(proxy.round_trips() - before, 1, "{without:?}");
        for _ in 0..3 {
            let next = within("a change", LIMIT, changes.next()).await.expect("a change");
            assert_eq!(next.expect("no error"), Change::Stored(key("a")));
        }
        // Cut off before the notice, nothing is done here either.
        proxy.cut_before("{test}:changes");
        storage.store(&key("a"), b"3").await.expect_err("the connection broke");
        assert_eq!(&watching.load(&key("a")).await.expect("there")[..], b"2", "{without:?}");
        watching.delete(&key("a")).await.expect("deleted");
        server.cli(&["ACL", "DELUSER", "app"]).expect("deleted");
    }
}

#[tokio::test]
async fn who_may_not_publish_writes() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let storage = open(&limited(&server, &proxy, &["+publish"])).await;
    storage.store(&key("a"), b"1").await.expect("stored");
    let before = proxy.round_trips();
    storage.store(&key("a"), b"2").await.expect("stored");
    // Refused as a transaction, a script that the server does not know yet, and in full.
    assert_eq!(proxy.round_trips() - before, 3, "found out once");
    let before = proxy.round_trips();
    let version = storage.store(&key("a"), b"3").await.expect("stored");
    assert_eq!(proxy.round_trips() - before, 1);
    let found = storage.load_versioned(&key("a")).await.expect("there");
    assert_eq!((&found.value[..], found.version), (&b"3"[..], version));
}

#[tokio::test]
async fn who_loses_the_right_to_transactions_still_writes() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let storage = open(&limited(&server, &proxy, &[])).await;
    storage.store(&key("a"), b"1").await.expect("stored");
    storage.store(&key("a"), b"2").await.expect("stored");
    server.cli(&["ACL", "SETUSER", "app", "-multi", "-exec"]).expect("changed");
    for value in [b"3", b"4"] {
        let version = storage.store(&key("a"), value).await.expect("stored");
        let found = storage.load_versioned(&key("a")).await.expect("there");
        assert_eq!((&found.value[..], found.version), (&value[..], version));
    }
}
