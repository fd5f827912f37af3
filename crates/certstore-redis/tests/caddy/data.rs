//! Values and directories, byte for byte.

use std::time::{Duration, UNIX_EPOCH};

use certstore_core::{Condition, ErrorKind, Version};
use certstore_redis::Compression;
use futures_util::TryStreamExt as _;

use super::support::{SECRET, cli, config, dir, key, lines, open, prefix, with_key};

const PEM: &[u8] = include_bytes!("../../src/caddy/fixtures/value.pem");

/// Made with zlib and an independent AES-GCM, in the JSON of Go.
const FIXTURES: [(&str, &str); 6] = [
    ("plain", include_str!("../../src/caddy/fixtures/plain.json")),
    ("flate", include_str!("../../src/caddy/fixtures/flate.json")),
    ("zlib", include_str!("../../src/caddy/fixtures/zlib.json")),
    ("plain-encrypted", include_str!("../../src/caddy/fixtures/plain-encrypted.json")),
    ("flate-encrypted", include_str!("../../src/caddy/fixtures/flate-encrypted.json")),
    ("zlib-encrypted", include_str!("../../src/caddy/fixtures/zlib-encrypted.json")),
];

/// Writes as a Caddy node would: the sorted sets, then the value.
fn plugin_stores(prefix: &str, path: &str, stored: &str) {
    let full = format!("{prefix}/{path}");
    let (mut below, mut slash) = (full.as_str(), "");
    while let Some((set, base)) = below.rsplit_once('/') {
        cli(&["ZADD", set, "1767323045", &format!("{base}{slash}")]);
        (below, slash) = (set, "/");
    }
    cli(&["SET", &full, stored]);
}

fn set(key: &str) -> Vec<String> {
    lines(&cli(&["ZRANGE", key, "0", "-1", "WITHSCORES"])).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn every_kind_of_value_loads() {
    let prefix = prefix();
    for (at, stored) in FIXTURES {
        plugin_stores(&prefix, &format!("certificates/local/{at}"), stored);
    }
    // How a storage writes does not matter for what it reads.
    for compression in [Compression::None, Compression::Flate, Compression::Zlib] {
        let mut config = with_key(config(&prefix), SECRET);
        config.compression = compression;
        let storage = open(&config).await;
        for (at, _) in FIXTURES {
            let at = key(&format!("certificates/local/{at}"));
            assert_eq!(storage.load(&at).await.unwrap(), PEM, "{at}");
            let info = storage.stat(&at).await.unwrap();
            assert_eq!(info.size, Some(372));
            let modified = UNIX_EPOCH + Duration::new(1_767_323_045, 120_000_000);
            assert_eq!(info.modified, Some(modified));
            let loaded = storage.load_versioned(&at).await.unwrap();
            assert_eq!(Some(loaded.version), info.version);
        }
        let all = storage.list(&dir("certificates/local"), false).await.unwrap();
        assert_eq!(all.len(), FIXTURES.len());
    }
}

#[tokio::test]
async fn what_is_stored_has_the_documented_bytes() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let at = key("certificates/local/example.com/example.com.json");
    storage.store(&at, b"hi<>").await.unwrap();
    let stored = cli(&["GET", &format!("{prefix}/{at}")]);
    let modified = stored.split('"').nth(7).unwrap().to_owned();
    let expected = format!(
        r#"{{"value":"aGk8Pg==","modified":"{modified}","size":4,"compression":0,"encryption":0}}"#
    );
    assert_eq!(stored, expected);
    assert!(modified.ends_with('Z') && !modified.ends_with("0Z"), "{modified}");
    let told = storage.stat(&at).await.unwrap().modified.unwrap();
    let score = told.duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    for (name, member) in [
        ("/certificates/local/example.com", "example.com.json"),
        ("/certificates/local", "example.com/"),
        ("/certificates", "local/"),
        ("", "certificates/"),
    ] {
        assert_eq!(set(&format!("{prefix}{name}")), [member.to_owned(), score.clone()], "{name}");
    }
    assert_eq!(cli(&["TTL", &format!("{prefix}/{at}")]), "-1");
}

#[tokio::test]
async fn a_directory_is_entered_once_and_a_value_each_time() {
    let prefix = prefix();
    plugin_stores(&prefix, "a/b/old", FIXTURES[0].1);
    let storage = open(&config(&prefix)).await;
    storage.store(&key("a/b/old"), b"1").await.unwrap();
    assert_ne!(set(&format!("{prefix}/a/b"))[1], "1767323045");
    // The plugin stops at the first set that had the member.
    assert_eq!(set(&format!("{prefix}/a")), ["b/", "1767323045"]);
    assert_eq!(set(&prefix), ["a/", "1767323045"]);
    storage.store(&key("a/b/new"), b"1").await.unwrap();
    assert_ne!(set(&format!("{prefix}/a"))[1], "1767323045");
    assert_eq!(set(&prefix), ["a/", "1767323045"]);
}

#[tokio::test]
async fn a_gap_that_an_interrupted_store_left_is_closed() {
    let prefix = prefix();
    plugin_stores(&prefix, "a/b/c", FIXTURES[0].1);
    cli(&["DEL", &prefix]);
    let storage = open(&config(&prefix)).await;
    assert!(storage.list(&dir(""), false).await.unwrap().is_empty());
    storage.store(&key("a/b/c"), b"1").await.unwrap();
    assert_eq!(storage.list(&dir(""), false).await.unwrap(), [key("a")]);
}

#[tokio::test]
async fn entries_without_a_value_are_not_listed() {
    let prefix = prefix();
    plugin_stores(&prefix, "a/b", FIXTURES[0].1);
    cli(&["ZADD", &format!("{prefix}/a"), "1", "written-never"]);
    cli(&["ZADD", &format!("{prefix}/a"), "1", "gone/"]);
    let storage = open(&config(&prefix)).await;
    assert_eq!(storage.list(&dir("a"), true).await.unwrap(), [key("a/b")]);
    let walked: Vec<_> = storage.walk(&dir("a")).try_collect().await.unwrap();
    assert_eq!(walked.len(), 1);
}

#[tokio::test]
async fn a_delete_takes_the_empty_directories_with_it() {
    let prefix = prefix();
    plugin_stores(&prefix, "a/b/c", FIXTURES[0].1);
    plugin_stores(&prefix, "a/d/e/f", FIXTURES[0].1);
    plugin_stores(&prefix, "a/d/g", FIXTURES[0].1);
    let storage = open(&config(&prefix)).await;
    storage.delete(&key("a/b/c")).await.unwrap();
    assert_eq!(cli(&["EXISTS", &format!("{prefix}/a/b")]), "0");
    assert_eq!(set(&format!("{prefix}/a"))[0], "d/");
    // Of a directory the plugin would leave the values behind.
    storage.delete(&key("a/d")).await.unwrap();
    assert_eq!(cli(&["--scan", "--pattern", &format!("{prefix}*")]), "");
}

/// What each step of a delete leaves is a tree again.
#[tokio::test]
async fn a_large_directory_goes_step_by_step() {
    let prefix = prefix();
    let script = "for i = 1, 10000 do local d = KEYS[1] .. '/a/d' .. (i % 7) \
         redis.call('SET', d .. '/k' .. i, ARGV[1]) redis.call('ZADD', d, 1, 'k' .. i) \
         redis.call('ZADD', KEYS[1] .. '/a', 1, 'd' .. (i % 7) .. '/') end \
         redis.call('ZADD', KEYS[1], 1, 'a/')";
    cli(&["EVAL", script, "1", &prefix, FIXTURES[0].1]);
    let storage = open(&config(&prefix)).await;
    storage.store(&key("a-b"), b"1").await.unwrap();
    let all = storage.list(&dir("a"), true).await.unwrap().len();
    assert_eq!(all, 10_007);
    let delete = include_str!("../../src/caddy/scripts/delete.lua");
    let step = ["EVAL", delete, "2", &format!("{prefix}/a"), &prefix, "", "a", "4096"];
    assert_eq!(cli(&step), "more");
    let rest = storage.list(&dir("a"), true).await.unwrap().len();
    assert!(rest < all && rest + 5000 > all, "{rest}");
    let walked: Vec<_> = storage.walk(&dir("a")).try_collect().await.unwrap();
    assert_eq!(walked.len(), rest);
    let values = cli(&["--scan", "--pattern", &format!("{prefix}/a/*/k*")]);
    let listed = storage.list(&dir("a"), true).await.unwrap();
    let files = listed.iter().filter(|key| key.name().starts_with('k')).count();
    assert_eq!(lines(&values).len(), files, "no value is left unlisted");
    storage.delete(&key("a")).await.unwrap();
    assert_eq!(storage.list(&dir(""), true).await.unwrap(), [key("a-b")]);
    assert_eq!(cli(&["--scan", "--pattern", &format!("{prefix}/a/*")]), "");
}

#[tokio::test]
async fn a_walk_goes_in_the_order_of_the_keys() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    for at in ["a/x/y", "a/z", "a-b", "a.c/d", "b", "a0"] {
        storage.store(&key(at), at.as_bytes()).await.unwrap();
    }
    let walked: Vec<_> = storage.walk(&dir("")).try_collect().await.unwrap();
    let keys: Vec<_> = walked.iter().map(|info| info.key.clone()).collect();
    assert_eq!(keys, storage.list(&dir(""), true).await.unwrap());
    for info in walked {
        assert_eq!(info, storage.stat(&info.key).await.unwrap());
    }
}

#[tokio::test]
async fn conditions_hold_against_writes_of_the_plugin() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    let at = key("a/b");
    let version = storage.store(&at, b"ours").await.unwrap();
    plugin_stores(&prefix, "a/b", FIXTURES[0].1);
    let condition = Condition::Version(version.clone());
    let late = storage.store_if(&at, b"late", &condition).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert_eq!(storage.delete_if(&at, &version).await.unwrap_err().kind(), ErrorKind::Conflict);
    for strange in ["", "=", "absent"] {
        let strange = Version::new(strange);
        let condition = Condition::Version(strange.clone());
        let other = storage.store_if(&at, b"late", &condition).await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Conflict, "{strange:?}");
        assert_eq!(storage.delete_if(&at, &strange).await.unwrap_err().kind(), ErrorKind::Conflict);
        let nothing = storage.store_if(&key("a/c"), b"late", &condition).await.unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::Conflict, "{strange:?}");
    }
    let there = storage.store_if(&at, b"late", &Condition::Absent).await.unwrap_err();
    assert_eq!(there.kind(), ErrorKind::Conflict);
    assert_eq!(cli(&["GET", &format!("{prefix}/a/b")]), FIXTURES[0].1);
    let version = storage.load_versioned(&at).await.unwrap().version;
    storage.store_if(&at, b"now", &Condition::Version(version)).await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), &b"now"[..]);
}

#[tokio::test]
async fn names_that_are_no_keys_are_told_apart() {
    let prefix = prefix();
    plugin_stores(&prefix, "a/b", FIXTURES[0].1);
    plugin_stores(&prefix, "a/wild*card", FIXTURES[0].1);
    plugin_stores(&prefix, "locks/x", FIXTURES[0].1);
    let storage = open(&config(&prefix)).await;
    assert_eq!(storage.list(&dir(""), true).await.unwrap(), [key("a"), key("a/b")]);
    assert_eq!(storage.foreign(&dir("")).await.unwrap(), ["a/wild*card", "locks", "locks/x"]);
}

#[tokio::test]
async fn more_names_than_one_answer_holds() {
    let prefix = prefix();
    let storage = open(&config(&prefix)).await;
    for directory in 0..3 {
        for some in 0..8 {
            let keys: Vec<_> = (0..500).map(|n| key(&format!("d{directory}/{some}-{n}"))).collect();
            let items: Vec<_> = keys.iter().map(|key| (key, &b"v"[..])).collect();
            storage.store_all(&items).await.unwrap();
        }
    }
    let listed = storage.list(&dir(""), true).await.unwrap();
    assert_eq!(listed.len(), 3 * 8 * 500 + 3);
    assert!(listed.is_sorted());
    let walked: Vec<_> = storage.walk(&dir("")).try_collect().await.unwrap();
    assert!(walked.iter().map(|info| &info.key).eq(&listed));
}
