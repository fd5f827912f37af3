//! The tables: made as the plugin makes them, and only where that is allowed.

use std::time::Duration;

use certstore_core::{ErrorKind, Storage as _};
use certstore_postgres::{PostgresConfig, PostgresStorage};

use crate::factory::server;
use crate::support::{Database, key};

/// Columns, constraints, indexes and the sequence of both tables.
const SHAPE: &str = "
SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
  FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2;
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2;
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1;
SELECT sequencename, data_type, start_value, increment_by, cycle FROM pg_sequences WHERE schemaname = 'public';
SELECT refobjid::regclass, refobjsubid FROM pg_depend
  WHERE objid = 'caddy_locks_rvn'::regclass AND deptype = 'a';
";

#[tokio::test]
async fn the_tables_are_those_of_the_plugin() {
    let (ours, theirs) = (Database::new(), Database::of_plugin());
    ours.open().await;
    let shape = theirs.sql(SHAPE);
    assert!(shape.contains("caddy_certmagic_objects_parent_like_idx"), "{shape}");
    assert_eq!(ours.sql(SHAPE), shape);
    // Opened over the plugin's own, nothing changes.
    theirs.open().await;
    assert_eq!(theirs.sql(SHAPE), shape);
}

#[tokio::test]
async fn the_printed_schema_makes_the_same() {
    let (ours, theirs) = (Database::new(), Database::of_plugin());
    ours.sql(&PostgresStorage::schema(&ours.config()));
    ours.sql(&PostgresStorage::schema(&ours.config()));
    assert_eq!(ours.sql(SHAPE), theirs.sql(SHAPE));
}

#[tokio::test]
async fn many_may_open_an_empty_database_at_once() {
    let database = Database::new();
    let opened = (0..8).map(|_| async { PostgresStorage::open(&database.config()).await });
    for storage in futures_util::future::join_all(opened).await {
        storage.unwrap().store(&key("a/b"), b"1").await.unwrap();
    }
}

#[tokio::test]
async fn without_migrate_nothing_is_made() {
    let database = Database::new();
    let mut config = database.config();
    config.migrate = false;
    let refused = PostgresStorage::open(&config).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
    assert!(refused.to_string().contains("caddy_locks"), "{refused}");
    assert_eq!(database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    database.sql(crate::support::PLUGIN_TABLES);
    PostgresStorage::open(&config).await.unwrap();
}

/// A role that may use the plugin's tables and create nothing needs no `migrate = false`.
#[tokio::test]
async fn a_role_that_may_only_use_the_tables_opens_them() {
    let database = Database::of_plugin();
    let role = format!("user_{}", std::process::id());
    server().unwrap().create_role(&role, "pass").unwrap();
    database.sql(&format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON caddy_certmagic_objects, caddy_locks TO {role};
         GRANT USAGE ON SEQUENCE caddy_locks_rvn TO {role};"
    ));
    let url = database.url().replace("postgres@", &format!("{role}:pass@"));
    let config = PostgresConfig::from_url(&format!("{url}?layout=caddy")).unwrap();
    let storage = PostgresStorage::open(&config).await.unwrap();
    storage.store(&key("a/b"), b"1").await.unwrap();
    database.sql(&format!("DROP OWNED BY {role}"));
    drop(storage);
    server().unwrap().sql("postgres", &format!("DROP ROLE {role}")).unwrap();
}

#[tokio::test]
async fn tables_may_lie_in_a_schema() {
    let database = Database::new();
    database.sql("CREATE SCHEMA \"Odd one\"");
    let mut config = database.config();
    config.schema = Some("Odd one".to_owned());
    let storage = PostgresStorage::open(&config).await.unwrap();
    storage.store(&key("a/b"), b"1").await.unwrap();
    let rows = database.sql("SELECT count(*) FROM \"Odd one\".caddy_certmagic_objects");
    assert_eq!(rows, "2");
    assert_eq!(database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

#[tokio::test]
async fn a_lease_that_caddy_would_not_wait_for_is_refused() {
    let database = Database::new();
    let mut config = database.config();
    config.lease = Duration::from_secs(16);
    let refused = PostgresStorage::open(&config).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
    assert!(refused.to_string().contains("15 s"), "{refused}");
    config.lease = Duration::from_secs(15);
    PostgresStorage::open(&config).await.unwrap();
}
