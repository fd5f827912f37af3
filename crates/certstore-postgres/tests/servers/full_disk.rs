//! A server whose disk fills up.

use certstore_conformance::servers::{PostgresOptions, PostgresServer};
use certstore_core::{Dir, ErrorKind, Storage as _};
use certstore_postgres::PostgresStorage;

use crate::{config, key};

/// Bytes that the server cannot compress: the answers of a simple generator.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    next.take(16 * 1024).flatten().collect()
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    // Room for a new database, about 7 MiB, and some values.
    let options = PostgresOptions { small_disk: Some(16), ..PostgresOptions::default() };
    let server = PostgresServer::start(options).expect("a server");
    server.sql("postgres", "CREATE DATABASE d TABLESPACE small").expect("a database");
    let storage = PostgresStorage::open(&config(&server.url("d"))).await.expect("opens");
    server.sql("d", "CREATE TABLE others AS SELECT generate_series(1, 60000)").expect("a table");
    let mut stored = 0;
    let error = loop {
        let value = noise(stored);
        match storage.store(&key(&format!("full/{stored:04}")), &value).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 200, "the disk is not small");
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert!(!error.may_have_applied(), "{error:?}");
    let error = storage.store(&key("full/0000"), &noise(1_000)).await.expect_err("still full");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    // What was there is there, and nothing else.
    let full: Dir = "full".parse().expect("a directory");
    assert_eq!(storage.list(&full, true).await.expect("listed").len() as u64, stored);
    for number in 0..stored {
        let value = storage.load(&key(&format!("full/{number:04}"))).await.expect("there");
        assert!(value == noise(number), "value {number} changed");
    }
    // Somebody makes room: the same storage goes on.
    server.sql("d", "DROP TABLE others").expect("dropped");
    storage.store(&key("full/0000"), &noise(1_000)).await.expect("there is room again");
    assert!(storage.load(&key("full/0000")).await.expect("there") == noise(1_000));
}
