//! The contract, in this layout. What it lacks is declared: fences and watching.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_conformance::{Factory, conformance};
use certstore_core::{Result, Secret, Storage};
use certstore_redis::{Compression, RedisConfig};

use super::support::{config, lines, server, try_open};

enum CaddyFactory {
    /// The server that all tests share.
    Shared,
    /// One's own: where round trips are counted, nobody else may use it.
    Own(Box<RedisServer>),
}

impl CaddyFactory {
    fn new() -> Self {
        let counts = std::thread::current().name().is_some_and(|name| name.ends_with("cost_1"));
        if counts {
            Self::Own(Box::new(RedisServer::start(RedisOptions::default()).expect("redis starts")))
        } else {
            Self::Shared
        }
    }

    fn server(&self) -> &RedisServer {
        match self {
            Self::Shared => server(),
            Self::Own(server) => server,
        }
    }

    fn config(&self, namespace: &str) -> RedisConfig {
        let mut config = config(&prefix(namespace));
        config.set("url", &self.server().url()).expect("the server has a URL");
        // Several cases outlive one.
        config.lease = Duration::from_secs(2);
        config
    }
}

fn prefix(namespace: &str) -> String {
    format!("conformance-{namespace}")
}

#[async_trait]
impl Factory for CaddyFactory {
    fn name(&self) -> &str {
        "redis, layout caddy"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let mut config = self.config(namespace);
        config.compression = Compression::Zlib;
        config.encryption_key = self.canaries().pop().map(Secret::new);
        try_open(&config).await
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        let cli = |words: &[&str]| self.server().cli(words).expect("the server answers");
        let found = cli(&["--scan", "--pattern", &format!("{}*", prefix(namespace))]);
        for some in lines(&found).chunks(500) {
            let mut words = vec!["DEL"];
            words.extend(some);
            cli(&words);
        }
        Ok(())
    }

    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let user = format!("faulty-{namespace}");
        let cli = |words: &[&str]| self.server().cli(words).expect("the server answers");
        cli(&["ACL", "SETUSER", &user, "on", ">secret", "~*", "&*", "+@all"]);
        let mut config = self.config(namespace);
        config.username = Some(user.clone());
        config.password = Some(Secret::new("secret"));
        let storage = try_open(&config).await?;
        // From here on nothing is allowed.
        cli(&["ACL", "SETUSER", &user, "resetchannels", "-@all"]);
        Ok(Some(storage))
    }

    fn canaries(&self) -> Vec<String> {
        vec!["a canary of thirty-two bytes long".to_owned()]
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        let mut texts = Vec::new();
        let mut short: RedisConfig = config("canary");
        short.encryption_key = Some(Secret::new(canary));
        texts.push(format!("{short:?}"));
        if let Err(error) = try_open(&short).await {
            texts.push(format!("{error} {error:?}"));
        }
        let mut wrong = config("canary");
        wrong.password = Some(Secret::new(canary));
        if let Err(error) = try_open(&wrong).await {
            texts.push(format!("{error} {error:?}"));
        }
        texts
    }

    fn round_trips(&self) -> Option<u64> {
        Some(self.server().command_calls().expect("the server counts"))
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.server().worker_env()
    }
}

conformance!(CaddyFactory::new());
