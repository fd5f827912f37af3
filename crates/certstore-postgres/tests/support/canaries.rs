//! Everything that a user may see of a storage that is configured with secrets.

use std::error::Error as _;
use std::time::Duration;

use certstore_conformance::servers::PostgresServer;
use certstore_core::{Error, Result, Storage};
use certstore_postgres::{PostgresConfig, PostgresStorage};

/// Configures `canary` as each credential, provokes failures, and gives every text.
pub(crate) async fn texts(server: &PostgresServer, canary: &str) -> Vec<String> {
    let port = server.port();
    let urls = [
        format!("postgres://nobody:{canary}@127.0.0.1:{port}/postgres"),
        format!("postgres://nobody:{canary}@127.0.0.1:1/postgres"),
        format!("postgres://nobody@127.0.0.1:{port}/postgres?password={canary}"),
        format!("postgres://nobody:{canary}@127.0.0.1:port/postgres"),
        format!("postgres://nobody:{canary}@127.0.0.1:{port}/postgres?passwort=x"),
        format!("postgres://nobody:x/{canary}@127.0.0.1:{port}/postgres"),
        format!("postgres://nobody:%zz{canary}@127.0.0.1/postgres"),
    ];
    let mut texts = Vec::new();
    for url in urls {
        match PostgresConfig::from_url(&url) {
            Ok(config) => opened(config, &mut texts).await,
            Err(error) => texts.push(all_of(&error)),
        }
    }
    let mut config = PostgresConfig::new();
    let url = format!("postgres://nobody:{canary}@127.0.0.1:{port}/postgres");
    for (key, value) in
        [("password", canary), ("listen_url", &url), ("url", "postgres://127.0.0.1:1")]
    {
        texts.extend(config.set(key, value).err().map(|error| all_of(&error)));
    }
    opened(config, &mut texts).await;
    texts.extend(with_password(server, canary).await);
    texts
}

/// Opens, and works if that succeeds.
async fn opened(mut config: PostgresConfig, texts: &mut Vec<String>) {
    config.connect_timeout = Duration::from_secs(2);
    texts.push(format!("{config:?}"));
    texts.extend(PostgresStorage::open(&config).await.err().map(|error| all_of(&error)));
}

/// A role whose password it is.
async fn with_password(server: &PostgresServer, canary: &str) -> Vec<String> {
    let role = format!("role_{}", std::process::id());
    drop(server.sql("postgres", &format!("DROP ROLE IF EXISTS {role}")));
    server.create_role(&role, canary).expect("a role");
    let url = format!("postgres://{role}:{canary}@127.0.0.1:{}/postgres", server.port());
    let mut texts = Vec::new();
    for layout in ["certstore", "caddy"] {
        // The role may create nothing.
        let work: Result<()> = async {
            let mut config = PostgresConfig::from_url(&url)?;
            config.set("layout", layout)?;
            texts.push(format!("{config:?}"));
            let storage = PostgresStorage::open(&config).await?;
            texts.push(format!("{storage:?}"));
            storage.store(&"a".parse()?, b"x").await.map(drop)
        }
        .await;
        texts.extend(work.err().map(|error| all_of(&error)));
    }
    server.sql("postgres", &format!("DROP ROLE {role}")).expect("a role without anything");
    texts
}

/// `Debug`, `Display` and every source.
fn all_of(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause:?} {cause}"));
        source = cause.source();
    }
    text
}
