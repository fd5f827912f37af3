//! The suite's factory: the loopback server, in this process or, for a worker, in the one that started it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_conformance::loopback_oss::LoopbackOss;
use certstore_core::{Key, Result, Secret, Storage};
use certstore_oss::{OssConfig, OssStorage};

use super::site::{Site, all_of};

pub(crate) struct LoopbackFactory {
    name: &'static str,
    site: Site,
    /// The shortest and the longest time between two looks at a lock.
    pub(crate) poll: (Duration, Duration),
    /// When the log of a lock is ended.
    pub(crate) rotate_at: u64,
    server: Option<LoopbackOss>,
}

impl LoopbackFactory {
    pub(crate) fn new(name: &'static str) -> Self {
        let of_parent = |name: &str| std::env::var(format!("LOOPBACK_OSS_{name}")).ok();
        let (server, site) = match of_parent("ENDPOINT") {
            Some(endpoint) => {
                let text = |name| of_parent(name).expect("the parent gives all of them");
                let site = Site {
                    endpoint,
                    bucket: text("BUCKET"),
                    region: text("REGION"),
                    access_key: text("ACCESS_KEY"),
                    secret_key: text("SECRET_KEY"),
                };
                (None, site)
            }
            None => {
                let server = LoopbackOss::start().expect("a port is free");
                let site = Site::of(&server);
                (Some(server), site)
            }
        };
        let poll = (Duration::from_millis(5), Duration::from_millis(50));
        Self { name, site, poll, rotate_at: 1 << 20, server }
    }

    fn config(&self, namespace: &str) -> OssConfig {
        let mut config = self.site.config(namespace);
        (config.poll_min, config.poll_max) = self.poll;
        config.rotate_at = self.rotate_at;
        config
    }
}

#[async_trait]
impl Factory for LoopbackFactory {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(OssStorage::open(&self.config(namespace)).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        OssStorage::open(&self.config(namespace)).await?.erase().await
    }

    /// A client of a server that was stopped.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let server = LoopbackOss::start().expect("a port is free");
        let storage = OssStorage::open(&Site::of(&server).config(namespace)).await?;
        drop(server);
        Ok(Some(Arc::new(storage)))
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.site.secret_key.clone()]
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        canary_texts(&self.site, canary).await
    }

    fn round_trips(&self) -> Option<u64> {
        Some(self.server.as_ref().map_or(0, |server| server.requests().total()))
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.server.as_ref().map(LoopbackOss::worker_env).unwrap_or_default()
    }
}

type Plant = fn(&mut OssConfig, &str);

/// Every secret as a canary in turn, and what a user may see of it.
async fn canary_texts(site: &Site, canary: &str) -> Vec<String> {
    let plants: [Plant; 3] = [
        |config, canary| config.access_key_id = Some(Secret::new(canary)),
        |config, canary| config.access_key_secret = Some(Secret::new(canary)),
        |config, canary| config.session_token = Some(Secret::new(canary)),
    ];
    let mut texts = Vec::new();
    for plant in plants {
        for endpoint in [site.endpoint.as_str(), "http://127.0.0.1:1"] {
            let mut config = site.config("canary");
            config.endpoint = Some(endpoint.to_owned());
            plant(&mut config, canary);
            texts.push(format!("{config:?}"));
            match OssStorage::open(&config).await {
                Ok(storage) => {
                    texts.push(format!("{storage:?}"));
                    let key = Key::new("canary/missing").expect("a key");
                    texts.extend(storage.load(&key).await.err().map(|error| all_of(&error)));
                }
                Err(error) => texts.push(all_of(&error)),
            }
        }
    }
    let urls = [
        format!("oss://{canary}:{canary}@bucket/"),
        format!("oss://bucket?access_key_secret={canary}"),
        format!("oss://bucket?session_token={canary}"),
    ];
    for url in urls {
        let checked = OssConfig::from_url(&url).and_then(|config| config.check());
        texts.extend(checked.err().map(|error| all_of(&error)));
    }
    texts
}
