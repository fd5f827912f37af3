//! Erasing a storage, beside others that stay.

use certstore_core::{ErrorKind, Locker as _, Storage as _};
use certstore_postgres::{Layout, PostgresConfig, PostgresStorage};

use crate::{Database, config, key, name};

async fn filled(config: &PostgresConfig) -> PostgresStorage {
    let storage = PostgresStorage::open(config).await.expect("opens");
    storage.store(&key("a/b"), b"value").await.expect("stored");
    storage.lock(&name("was held")).await.expect("free").unlock().await.expect("given back");
    // A holder that has gone without a word.
    std::mem::forget(storage.lock(&name("is held")).await.expect("free"));
    storage
}

/// Every table, sequence, index, function and trigger.
fn everything(database: &Database) -> String {
    database.sql(
        "SELECT string_agg(name, ' ' ORDER BY name) FROM (SELECT relname::text FROM pg_class \
         WHERE relnamespace::regnamespace::text IN ('public', 'a') \
         UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace::regnamespace::text IN ('public', 'a') \
         UNION ALL SELECT tgname::text FROM pg_trigger) AS found (name)",
    )
}

#[tokio::test]
async fn nothing_stays_but_what_the_neighbours_keep() {
    let database = Database::new();
    database.sql("CREATE SCHEMA a");
    let mut configs: Vec<_> = (0..5).map(|_| database.config()).collect();
    configs[1].table_prefix = "certstore_b".into();
    configs[2].table_prefix = "certstore".into();
    configs[3].schema = Some("a".into());
    configs[4].layout = Layout::Caddy;
    for config in &configs[1..] {
        filled(config).await;
    }
    let before = everything(&database);
    let storage = filled(&configs[0]).await;
    assert_ne!(everything(&database), before);
    storage.erase().await.expect("erased");
    storage.erase().await.expect("there is nothing left to erase");
    assert_eq!(everything(&database), before);
    assert!(storage.load(&key("a/b")).await.is_err(), "the tables are gone");
    let anew = PostgresStorage::open(&configs[0]).await.expect("opens");
    assert_eq!(anew.load(&key("a/b")).await.expect_err("empty").kind(), ErrorKind::NotFound);
    anew.erase().await.expect("erased");
    for config in &configs[1..] {
        let storage = PostgresStorage::open(config).await.expect("opens");
        assert_eq!(storage.load(&key("a/b")).await.expect("it stays"), "value");
        storage.erase().await.expect("erased");
    }
    assert_eq!(everything(&database).trim(), "");
}

#[tokio::test]
async fn who_does_not_own_the_tables_cannot_erase_them() {
    let database = Database::new();
    filled(&database.config()).await;
    let role = format!("user_{}", database.name);
    database.server.create_role(&role, "secret").expect("a role");
    database.sql(&format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ));
    let url = format!(
        "postgres://{role}:secret@127.0.0.1:{}/{}?migrate=false",
        database.server.port(),
        database.name
    );
    let storage = PostgresStorage::open(&config(&url)).await.expect("opens");
    let error = storage.erase().await.expect_err("not the owner");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(storage.load(&key("a/b")).await.expect("it stays"), "value");
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
