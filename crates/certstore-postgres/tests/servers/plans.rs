//! Every statement asks an index, also when there are many rows and the plan is made for any parameter.

use certstore_core::{Dir, Locker as _, Storage as _};

use crate::{Database, key, name};

#[tokio::test]
async fn no_statement_reads_the_whole_table() {
    let database = Database::new();
    let storage = database.open().await;
    storage.store(&key("warm"), b"x").await.expect("stored");
    // Making a table reads it, too: counted once the session has ended.
    drop(storage);
    sessions_end(&database).await;
    database.sql(
        "ALTER TABLE certstore_entries DISABLE TRIGGER certstore_tree;
         INSERT INTO certstore_entries (key, value, modified, version)
         SELECT 'many/' || n % 100 || '/deep/' || n, 'x', now(), n FROM generate_series(1, 50000) AS n;
         ALTER TABLE certstore_entries ENABLE TRIGGER certstore_tree;
         INSERT INTO certstore_locks SELECT 'l' || n, false, '', n, 1, now(), '' FROM generate_series(1, 5000) AS n;
         ANALYZE;
         SELECT pg_stat_reset();",
    );
    let storage = database.open().await;
    let scans = |table: &str, column: &str| -> u64 {
        let sql = format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = '{table}'");
        database.sql(&sql).trim().parse().expect("a number")
    };
    // Eight times: from the sixth on the server may use one plan for all parameters.
    for round in 0..8 {
        let (at, dir) = (key(&format!("new/{round}/x")), Dir::new("many").expect("a directory"));
        assert_eq!(storage.list(&dir, false).await.expect("listed").len(), 100);
        assert_eq!(
            storage.list(&Dir::ROOT, false).await.expect("listed").len(),
            2 + usize::from(round > 0)
        );
        assert!(storage.exists(&key("many/7")).await.expect("answers"));
        assert!(!storage.exists(&key("zz")).await.expect("answers"));
        assert!(!storage.stat(&key("many/7/deep")).await.expect("there").is_terminal);
        let lock = storage.lock(&name("plans")).await.expect("free");
        storage.store_fenced(&at, b"1", &lock).await.expect("stored");
        storage.store(&at, b"2").await.expect("stored");
        storage.store_all(&[(&at, b"3")]).await.expect("stored");
        storage.load_many(&[&at]).await.pop().expect("one").expect("there");
        storage.delete_fenced(&at, &lock).await.expect("deleted");
        storage.store(&at, b"4").await.expect("stored");
        storage.delete(&key(&format!("many/{round}"))).await.expect("deleted");
        lock.unlock().await.expect("held");
        database.sql(&format!(
            "ALTER TABLE certstore_entries DISABLE TRIGGER certstore_tree;
             INSERT INTO certstore_entries (key, value, modified, version) VALUES ('many/{round}/deep/0', 'x', now(), 0);
             ALTER TABLE certstore_entries ENABLE TRIGGER certstore_tree;"
        ));
    }
    drop(storage);
    sessions_end(&database).await;
    let used = scans("certstore_entries", "idx_scan");
    assert!(used > 500, "the statements were not counted: {used}");
    assert_eq!(scans("certstore_entries", "seq_scan"), 0, "a statement read the whole table");
    // Opening looks for records that were free for long.
    assert_eq!(scans("certstore_locks", "seq_scan"), 1, "a statement read all locks");
    // A list of 100 directories of 500 keys each looks at about as many rows as it gives.
    let read = scans("certstore_entries", "idx_tup_fetch");
    assert!(read < 60_000, "{read} rows read");
}

/// Sessions report what they did when they end, at the latest.
async fn sessions_end(database: &Database) {
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'certstore' AND datname = '{}'",
        database.name
    );
    while database.sql(&sessions).trim() != "0" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
