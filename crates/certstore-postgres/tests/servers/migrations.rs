//! Making the tables.

use certstore_core::{ErrorKind, Locker as _, Storage as _};
use certstore_postgres::{PostgresConfig, PostgresStorage};

use crate::{Database, config, fails_to_open, key, name};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_open_at_once_make_the_tables_once() {
    let database = Database::new();
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let config = database.config();
            tokio::spawn(async move { PostgresStorage::open(&config).await })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        let storage = task.await.expect("runs").expect("opens");
        storage.store(&key("a"), b"x").await.expect("stored");
        ids.push(storage.lock(&name("id")).await.expect("free").locker_id().clone());
    }
    assert!(ids.windows(2).all(|two| two[0] == two[1]), "{ids:?}");
    assert_eq!(database.sql("SELECT version FROM certstore_meta"), "1");
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_trigger WHERE tgname = 'certstore_tree'"),
        "1"
    );
}

/// A role that owns nothing, gone with the value.
struct Role<'a>(&'a Database, String);

impl<'a> Role<'a> {
    fn new(database: &'a Database, purpose: &str) -> Self {
        let name = format!("{purpose}_{}", database.name);
        database.server.create_role(&name, "secret").expect("a role");
        Self(database, name)
    }

    fn config(&self) -> PostgresConfig {
        let Self(database, name) = self;
        config(&format!(
            "postgres://{name}:secret@127.0.0.1:{}/{}",
            database.server.port(),
            database.name
        ))
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        let Self(database, name) = self;
        drop(
            database.server.sql(&database.name, &format!("DROP OWNED BY {name}; DROP ROLE {name}")),
        );
    }
}

#[tokio::test]
async fn an_administrator_makes_the_tables() {
    let database = Database::new();
    let role = Role::new(&database, "user");
    database.sql("CREATE SCHEMA \"odd \"\"schema'\"");
    let mut config = role.config();
    config.set("schema", "odd \"schema'").expect("a schema");
    config.set("table_prefix", "My_").expect("a prefix");
    let error = fails_to_open(&config).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    config.migrate = false;
    let error = fails_to_open(&config).await;
    assert!(error.to_string().contains("certstore schema print"), "{error}");
    let script = PostgresStorage::schema(&config);
    for _ in 0..2 {
        database.sql(&script);
    }
    let grants: String = script
        .lines()
        .filter_map(|line| line.strip_prefix("-- GRANT "))
        .map(|line| format!("GRANT {}\n", line.replace("ROLE;", &format!("{};", role.1))))
        .collect();
    assert_eq!(grants.lines().count(), 3, "{grants}");
    database.sql(&format!("GRANT USAGE ON SCHEMA \"odd \"\"schema'\" TO {};{grants}", role.1));
    let storage = PostgresStorage::open(&config).await.expect("opens");
    storage.store(&key("a/b"), b"x").await.expect("stored");
    let error = storage.store(&key("a"), b"x").await.expect_err("a directory");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    let lock = storage.lock(&name("job")).await.expect("free");
    storage.store_fenced(&key("a/b"), b"y", &lock).await.expect("stored");
    lock.unlock().await.expect("held");
    storage.delete(&key("a")).await.expect("deleted");
    // Applied over tables in use, it changes nothing.
    storage.store(&key("a"), b"kept").await.expect("stored");
    database.sql(&script);
    assert_eq!(&storage.load(&key("a")).await.expect("there")[..], b"kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_can_be_applied_by_several_at_once() {
    for layout in ["certstore", "caddy"] {
        let database = Database::new();
        let mut config = database.config();
        config.set("layout", layout).expect("a layout");
        let script = PostgresStorage::schema(&config);
        // psql applies each statement by itself.
        std::thread::scope(|scope| {
            let applying: Vec<_> = (0..6).map(|_| scope.spawn(|| database.sql(&script))).collect();
            for applied in applying {
                applied.join().expect("applied");
            }
        });
        // As psql --single-transaction does.
        database.sql(&format!("BEGIN;\n{script}\nCOMMIT;"));
        config.migrate = false;
        let storage = PostgresStorage::open(&config).await.expect("opens");
        storage.store(&key("a/b"), b"x").await.expect("stored");
        let error = storage.store(&key("a"), b"x").await.expect_err("a directory");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    }
}

#[tokio::test]
async fn missing_and_unknown_tables_are_told() {
    let database = Database::new();
    let mut config = database.config();
    config.migrate = false;
    // What else is wrong is not taken for missing tables.
    let mut elsewhere = config.clone();
    elsewhere.server.database = Some("missing".into());
    let error = fails_to_open(&elsewhere).await;
    assert!(error.to_string().contains("no database"), "{error}");
    let error = fails_to_open(&config).await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.to_string().contains("certstore schema print"), "{error}");
    config.migrate = true;
    let storage = PostgresStorage::open(&config).await.expect("opens");
    for (version, migrate) in [(2, true), (2, false), (0, false)] {
        database.sql(&format!("UPDATE certstore_meta SET version = {version}"));
        config.migrate = migrate;
        let error = fails_to_open(&config).await;
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
        assert!(error.to_string().contains(&format!("version {version}")), "{error}");
    }
    database.sql("DELETE FROM certstore_meta");
    config.migrate = false;
    let error = fails_to_open(&config).await;
    assert!(error.to_string().contains("certstore schema print"), "{error}");
    config.migrate = true;
    PostgresStorage::open(&config).await.expect("brought up to date");
    database.sql("DROP TABLE certstore_entries");
    let error = storage.load(&key("a")).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
}

#[tokio::test]
async fn another_isolation_level_is_refused() {
    let database = Database::new();
    database.sql(&format!(
        "ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'",
        database.name
    ));
    let storage = database.open().await;
    let error = storage.store(&key("a"), b"x").await.expect_err("unsafe");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.to_string().contains("read committed"), "{error}");
}
