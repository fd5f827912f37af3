//! A key is never a value and a directory, whoever writes at the same time; and odd keys.

use std::sync::Arc;

use certstore_core::{Dir, ErrorKind, Key, KeyInfo, Storage as _};
use futures_util::TryStreamExt as _;
use tokio::sync::Barrier;

use crate::{Database, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_value_and_what_lies_below_it_one_wins() {
    let database = Database::new();
    let clients = [Arc::new(database.open().await), Arc::new(database.open().await)];
    let mut wins = [0, 0];
    for round in 0..150 {
        let names = [format!("race/{round}"), format!("race/{round}/below/it")];
        let barrier = Arc::new(Barrier::new(2));
        let mut tasks = Vec::new();
        for (client, at) in clients.iter().zip(&names) {
            let (client, at, barrier) = (client.clone(), key(at), barrier.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                client.store(&at, b"x").await.map(drop)
            }));
        }
        let mut stored = [false, false];
        for (index, task) in tasks.into_iter().enumerate() {
            match task.await.expect("runs") {
                Ok(()) => stored[index] = true,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
        assert!(stored[0] != stored[1], "round {round}: {stored:?}");
        for (index, won) in stored.into_iter().enumerate() {
            wins[index] += u32::from(won);
            assert_eq!(clients[0].load(&key(&names[index])).await.is_ok(), won, "round {round}");
        }
    }
    assert_eq!(wins[0] + wins[1], 150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deletes_make_room_and_never_both() {
    let database = Database::new();
    let client = Arc::new(database.open().await);
    let work = |at: &'static str| {
        let client = client.clone();
        tokio::spawn(async move {
            for _ in 0..60 {
                match client.store(&key(at), b"x").await {
                    Ok(_) => client.delete(&key(at)).await.expect("deleted"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
                }
            }
        })
    };
    let tasks = [work("d"), work("d/e"), work("d/e/f"), work("d/e"), work("d")];
    let both = database.server;
    for task in tasks {
        task.await.expect("runs");
    }
    let left = both.sql(&database.name, "SELECT count(*) FROM certstore_entries").expect("counts");
    assert_eq!(left, "0");
}

#[tokio::test]
async fn wildcards_of_patterns_are_plain_characters() {
    let database = Database::new();
    let storage = database.open().await;
    let kept = ["a_b/x", "axb/x", "a.b/x", "wildcard_.example.com/x", "wildcardx.example.com/x"];
    for at in kept {
        storage.store(&key(at), at.as_bytes()).await.expect("stored");
    }
    let listed = storage.list(&Dir::new("a_b").expect("a directory"), true).await.expect("listed");
    assert_eq!(listed, [key("a_b/x")]);
    storage.delete(&key("wildcard_.example.com")).await.expect("deleted");
    storage.delete(&key("a_b")).await.expect("deleted");
    for at in ["axb/x", "a.b/x", "wildcardx.example.com/x"] {
        assert!(storage.exists(&key(at)).await.expect("answers"), "{at}");
    }
}

#[tokio::test]
async fn a_walk_tells_directories_before_what_sorts_behind_them() {
    let database = Database::new();
    let storage = database.open().await;
    let names = [
        "a-b",
        "a/x",
        "a.c/y",
        "a.c/y-",
        "a+d/e-f/g",
        "a+d/e/g",
        "b",
        "c-d-e/f",
        "c-d/f",
        "c/f",
        "a0",
        "aa/b",
    ];
    for at in names {
        storage.store(&key(at), b"x").await.expect("stored");
    }
    // More than a page between a directory's place and its first key.
    let many: Vec<Key> = (0..2300).map(|n| key(&format!("p/q-{n:04}"))).collect();
    let items: Vec<_> = many.iter().map(|key| (key, &b"x"[..])).collect();
    for items in items.chunks(1000) {
        storage.store_all(items).await.expect("stored");
    }
    storage.store(&key("p/q/late"), b"x").await.expect("stored");
    for dir in ["", "a", "a+d", "p", "c-d-e"] {
        let dir = Dir::new(dir).expect("a directory");
        let walked: Vec<KeyInfo> = storage.walk(&dir).try_collect().await.expect("walked");
        let walked: Vec<Key> = walked.into_iter().map(|info| info.key).collect();
        assert_eq!(walked, storage.list(&dir, true).await.expect("listed"), "{dir}");
    }
}

#[tokio::test]
async fn names_of_others_are_left_out_and_told() {
    let database = Database::new();
    let storage = database.open().await;
    storage.store(&key("good"), b"x").await.expect("stored");
    database.sql(
        "INSERT INTO certstore_entries (key, value, modified, version)
         VALUES ('not good', '', now(), 0), ('b\u{fc}cher/x', '', now(), 0)",
    );
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed"), [key("good")]);
    let foreign = storage.foreign(&Dir::ROOT).await.expect("told");
    assert_eq!(foreign, ["b\u{fc}cher/x", "not good"]);
}
