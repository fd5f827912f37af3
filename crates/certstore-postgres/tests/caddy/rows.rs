//! The rows: the plugin's are read, and what is written is what the plugin would write.

use std::time::{Duration, UNIX_EPOCH};

use certstore_core::{Condition, ErrorKind, Key, KeyInfo, Locker as _, Storage as _};
use certstore_postgres::{Pooler, PostgresStorage};
use futures_util::TryStreamExt as _;

use crate::support::{Database, dir, key, name, texts};

const SITE: &str = "certificates/acme-v02.api.letsencrypt.org-directory/wildcard_.example.com";

/// Rows as the plugin leaves them after storing a certificate, its key and the stamp of the last cleaning.
const PLUGIN_ROWS: &str = "
INSERT INTO caddy_certmagic_objects (parent, name, is_file, value, modified) VALUES
 ('', 'certificates', false, NULL, '2026-01-02 03:04:05.123456+00'),
 ('certificates', 'acme-v02.api.letsencrypt.org-directory', false, NULL, '2026-01-02 03:04:05.123456+00'),
 ('certificates/acme-v02.api.letsencrypt.org-directory', 'wildcard_.example.com', false, NULL, '2026-01-02 03:04:05.123456+00'),
 ('certificates/acme-v02.api.letsencrypt.org-directory/wildcard_.example.com', 'wildcard_.example.com.key', true,
  '\\x2d2d2d2d2d', '2026-01-02 03:04:05.123456+00'),
 ('certificates/acme-v02.api.letsencrypt.org-directory/wildcard_.example.com', 'wildcard_.example.com.crt', true,
  '\\x00ff0a', '2026-01-02 03:04:06.5+00'),
 ('', 'last_clean.json', true, '', '2026-01-02 03:04:07+00');
";

const ROWS: &str = "SELECT parent, name, is_file, coalesce(encode(value, 'hex'), 'null') FROM caddy_certmagic_objects
    ORDER BY parent COLLATE \"C\", name COLLATE \"C\"";

#[tokio::test]
async fn rows_of_the_plugin_are_read() {
    let database = Database::of_plugin();
    database.sql(PLUGIN_ROWS);
    let storage = database.open().await;
    let (private, crt) = (
        key(&format!("{SITE}/wildcard_.example.com.key")),
        key(&format!("{SITE}/wildcard_.example.com.crt")),
    );
    assert_eq!(&storage.load(&private).await.unwrap()[..], b"-----");
    assert_eq!(&storage.load(&crt).await.unwrap()[..], [0, 0xff, 0x0a]);
    assert_eq!(&storage.load(&key("last_clean.json")).await.unwrap()[..], b"");
    let info = storage.stat(&private).await.unwrap();
    assert_eq!((info.size, info.is_terminal), (Some(5), true));
    assert_eq!(info.modified, Some(UNIX_EPOCH + Duration::from_micros(1_767_323_045_123_456)));
    let above = storage.stat(&key(SITE)).await.unwrap();
    assert_eq!((above.size, above.is_terminal, above.version), (None, false, None));
    let all = storage.list(&dir(""), true).await.unwrap();
    let issuer = "certificates/acme-v02.api.letsencrypt.org-directory";
    let expected =
        ["certificates", issuer, SITE, crt.as_str(), private.as_str(), "last_clean.json"];
    assert_eq!(texts(&all), expected);
    assert_eq!(
        texts(&storage.list(&dir(""), false).await.unwrap()),
        ["certificates", "last_clean.json"]
    );
    let walked: Vec<KeyInfo> = storage.walk(&dir("")).try_collect().await.unwrap();
    assert_eq!(
        walked.iter().map(|info| &info.key).collect::<Vec<_>>(),
        all.iter().collect::<Vec<_>>()
    );
    assert_eq!(walked[4], info);
}

#[tokio::test]
async fn rows_are_written_as_the_plugin_writes_them() {
    let database = Database::of_plugin();
    let storage = database.open().await;
    let (crt, private) = (key("certificates/ca/b.c/b.c.crt"), key("certificates/ca/b.c/b.c.key"));
    storage.store(&key("last_clean.json"), b"{}").await.unwrap();
    storage.store(&private, b"").await.unwrap();
    storage.store_all(&[(&private, b"\x00\xff"), (&crt, b"crt")]).await.unwrap();
    storage.store_if(&key("ocsp/x"), b"1", &Condition::Absent).await.unwrap();
    let expected = "|certificates|f|null\n|last_clean.json|t|7b7d\n|ocsp|f|null\ncertificates|ca|f|null\n\
                    certificates/ca|b.c|f|null\ncertificates/ca/b.c|b.c.crt|t|637274\n\
                    certificates/ca/b.c|b.c.key|t|00ff\nocsp|x|t|31";
    assert_eq!(database.sql(ROWS), expected);
    assert_eq!(
        database.sql("SELECT count(*) FROM caddy_certmagic_objects WHERE modified > now()"),
        "0"
    );
    let modified = "SELECT modified FROM caddy_certmagic_objects WHERE name = 'b.c.crt'";
    let before = database.sql(modified);
    storage.store(&crt, b"crt").await.unwrap();
    assert_ne!(database.sql(modified), before);
    storage.delete(&crt).await.unwrap();
    storage.delete(&key("ocsp")).await.unwrap();
    let left = "|certificates|f|null\n|last_clean.json|t|7b7d\ncertificates|ca|f|null\n\
                certificates/ca|b.c|f|null\ncertificates/ca/b.c|b.c.key|t|00ff";
    assert_eq!(database.sql(ROWS), left);
}

/// The plugin's own delete takes `wildcardX` with `wildcard_`, for its pattern has a wildcard there.
#[tokio::test]
async fn a_delete_knows_no_wildcards() {
    let database = Database::of_plugin();
    let storage = database.open().await;
    let neighbours =
        ["c/wildcardX.a/x", "c/wildcardX.a/deep/x", "c/wildcard_.ab/x", "c/wildcard_.a-b/x"];
    for at in neighbours.iter().chain(&["c/wildcard_.a/x", "c/wildcard_.a/deep/x"]) {
        storage.store(&key(at), b"1").await.unwrap();
    }
    // Names that only the plugin can write.
    database.sql("INSERT INTO caddy_certmagic_objects VALUES ('c/%', 'x', true, 'y'), ('c/wildcard\\_.a', 'x', true, 'y')");
    storage.delete(&key("c/wildcard_.a")).await.unwrap();
    for at in neighbours {
        assert!(storage.exists(&key(at)).await.unwrap(), "{at} is gone");
    }
    assert!(!storage.exists(&key("c/wildcard_.a/x")).await.unwrap());
    assert_eq!(database.sql("SELECT count(*) FROM caddy_certmagic_objects WHERE value = 'y'"), "2");
    let listed = storage.list(&dir("c/wildcard_.ab"), true).await.unwrap();
    assert_eq!(texts(&listed), ["c/wildcard_.ab/x"]);
}

/// Whatever the plugin left of directories, a directory is what files lie below.
#[tokio::test]
async fn directories_are_read_off_the_files() {
    let database = Database::of_plugin();
    database.sql(
        "INSERT INTO caddy_certmagic_objects VALUES ('', 'left', false, NULL), ('left', 'over', false, NULL),
           ('orphan/deep', 'file', true, 'x'), ('', 'file', true, 'x')",
    );
    let storage = database.open().await;
    assert_eq!(texts(&storage.list(&dir(""), false).await.unwrap()), ["file", "orphan"]);
    let all = ["file", "orphan", "orphan/deep", "orphan/deep/file"];
    assert_eq!(texts(&storage.list(&dir(""), true).await.unwrap()), all);
    let walked: Vec<KeyInfo> = storage.walk(&dir("")).try_collect().await.unwrap();
    assert_eq!(walked.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(), all);
    for missing in ["left", "left/over"] {
        assert!(!storage.exists(&key(missing)).await.unwrap());
        assert_eq!(storage.stat(&key(missing)).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(
            storage.list(&dir(missing), true).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
    assert!(storage.exists(&key("orphan/deep")).await.unwrap());
    assert!(!storage.stat(&key("orphan")).await.unwrap().is_terminal);
    // The next store mends what the plugin needs.
    storage.store(&key("orphan/deep/other"), b"x").await.unwrap();
    let mended = "SELECT count(*) FROM caddy_certmagic_objects WHERE name IN ('orphan', 'deep') AND NOT is_file";
    assert_eq!(database.sql(mended), "2");
    // A left-over directory row gives way to a value.
    storage.store(&key("left"), b"x").await.unwrap();
    assert_eq!(&storage.load(&key("left")).await.unwrap()[..], b"x");
}

/// The plugin lets a key be both.
#[tokio::test]
async fn a_value_above_others_counts_as_a_value() {
    let database = Database::of_plugin();
    database.sql(
        "INSERT INTO caddy_certmagic_objects VALUES ('', 'a', true, 'x'), ('a', 'b', true, 'y')",
    );
    let storage = database.open().await;
    assert_eq!(texts(&storage.list(&dir(""), true).await.unwrap()), ["a", "a/b"]);
    assert!(storage.stat(&key("a")).await.unwrap().is_terminal);
    let walked: Vec<KeyInfo> = storage.walk(&dir("")).try_collect().await.unwrap();
    assert_eq!(walked.iter().map(|info| info.is_terminal).collect::<Vec<_>>(), [true, true]);
    storage.delete(&key("a")).await.unwrap();
    assert_eq!(database.sql("SELECT count(*) FROM caddy_certmagic_objects"), "0");
}

#[tokio::test]
async fn names_that_are_no_keys_are_foreign() {
    let database = Database::of_plugin();
    database.sql("INSERT INTO caddy_certmagic_objects VALUES ('a', 'b c', true, 'x'), ('a', 'd', true, 'y'), ('locks', 'e', true, 'z')");
    let storage = database.open().await;
    assert_eq!(texts(&storage.list(&dir(""), true).await.unwrap()), ["a", "a/d"]);
    assert_eq!(storage.foreign(&dir("")).await.unwrap(), ["a/b c", "locks/e"]);
    assert_eq!(storage.foreign(&dir("a")).await.unwrap(), ["a/b c"]);
}

/// What the plugin writes, equal bytes included, is another version.
#[tokio::test]
async fn a_write_of_the_plugin_changes_the_version() {
    let database = Database::of_plugin();
    let storage = database.open().await;
    let at = key("a/b");
    let version = storage.store(&at, b"same").await.unwrap();
    database.sql(
        "UPDATE caddy_certmagic_objects SET value = 'same', modified = now() WHERE name = 'b'",
    );
    let late =
        storage.store_if(&at, b"late", &Condition::Version(version.clone())).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert_eq!(storage.delete_if(&at, &version).await.unwrap_err().kind(), ErrorKind::Conflict);
    // Freezing and rewriting the table change nothing that a version is made of.
    let version = storage.load_versioned(&at).await.unwrap().version;
    database.sql("VACUUM FREEZE caddy_certmagic_objects");
    assert_eq!(storage.stat(&at).await.unwrap().version, Some(version));
}

/// Of a first store at a key and a first store below it, one wins.
#[tokio::test(flavor = "multi_thread")]
async fn racing_first_stores_make_no_value_above_a_value() {
    let database = Database::of_plugin();
    let (one, two) = (database.open().await, database.open().await);
    for round in 0..60 {
        let (above, below) = (key(&format!("r{round}/a")), key(&format!("r{round}/a/b")));
        let (first, second) = tokio::join!(one.store(&above, b"1"), two.store(&below, b"2"));
        let errors: Vec<_> = [first.err(), second.err()].into_iter().flatten().collect();
        assert_eq!(errors.len(), 1, "round {round}: {errors:?}");
        assert_eq!(errors[0].kind(), ErrorKind::Conflict);
        let stored = one.load_many(&[&above, &below]).await;
        assert_eq!(stored.iter().filter(|value| value.is_ok()).count(), 1);
    }
}

/// Names whose order by parent and name is not that of their bytes, over several pages.
#[tokio::test]
async fn a_walk_of_many_pages_gives_the_list() {
    let database = Database::of_plugin();
    database.sql(
        "INSERT INTO caddy_certmagic_objects (parent, name, is_file, value)
           SELECT 'c/ca' || p || '/' || i || s, n, true, 'x' FROM generate_series(1, 40) i,
             unnest(ARRAY['', '-', '.x', '/sub', '+1', '-/z', '0x']) s, unnest(ARRAY['', '-b', '.c']) p,
             generate_series(10, 24) m, LATERAL (SELECT 'f' || m) f(n);
         INSERT INTO caddy_certmagic_objects (parent, name, is_file, value) SELECT '', 'r' || i, true, 'x' FROM generate_series(1, 300) i",
    );
    let storage = database.open().await;
    for (below, least) in [("", 12_900), ("c", 12_600), ("c/ca", 4_200)] {
        let listed = storage.list(&dir(below), true).await.unwrap();
        let walked: Vec<Key> =
            storage.walk(&dir(below)).map_ok(|info| info.key).try_collect().await.unwrap();
        assert!(listed.len() > least, "{}", listed.len());
        assert_eq!(walked, listed, "below {below:?}");
    }
    let children = storage.list(&dir("c/ca"), false).await.unwrap();
    let mut expected: Vec<Key> = storage.list(&dir("c/ca"), true).await.unwrap();
    expected.retain(|key| key.parent() == dir("c/ca"));
    assert_eq!(children, expected);
}

/// Where nothing can be prepared, parameters are written into the statements.
#[tokio::test]
async fn every_operation_works_behind_a_pooler_of_transactions() {
    let database = Database::of_plugin();
    let mut config = database.config();
    config.pooler = Pooler::Transaction;
    let storage = PostgresStorage::open(&config).await.unwrap();
    let (a, b) = (key("d/a"), key("d/b"));
    let version = storage.store(&a, b"\x00'$1\xff").await.unwrap();
    storage.store_if(&a, b"2", &Condition::Version(version)).await.unwrap();
    storage.store_all(&[(&a, b"a$2"), (&b, b"b")]).await.unwrap();
    let bundle = storage.load_bundle(&[&a, &b]).await.unwrap();
    assert_eq!((&bundle[0][..], &bundle[1][..]), (&b"a$2"[..], &b"b"[..]));
    assert_eq!(texts(&storage.list(&dir(""), true).await.unwrap()), ["d", "d/a", "d/b"]);
    assert_eq!(texts(&storage.list(&dir(""), false).await.unwrap()), ["d"]);
    let walked: Vec<KeyInfo> = storage.walk(&dir("")).try_collect().await.unwrap();
    assert_eq!(walked[1], storage.stat(&a).await.unwrap());
    assert!(storage.exists(&key("d")).await.unwrap());
    let lock = storage.lock(&name("job '$1' \\")).await.unwrap();
    assert_eq!(storage.locks().await.unwrap()[0].token, Some(lock.token()));
    lock.unlock().await.unwrap();
    storage.delete(&key("d")).await.unwrap();
    assert_eq!(storage.list(&dir(""), true).await.unwrap(), []);
}
