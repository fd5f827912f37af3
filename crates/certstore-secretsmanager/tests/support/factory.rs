//! The suite's factory, for any server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_conformance::loopback_secretsmanager::LoopbackSecretsManager;
use certstore_core::{Key, Result, Secret, Storage};
use certstore_secretsmanager::{Deleting, SecretsManagerConfig, SecretsManagerStorage};

use super::loopback;
use super::site::{Site, all_of};

/// Runs the suite against a site. `server` lives as long as the factory.
pub(crate) struct SiteFactory<S> {
    pub(crate) name: &'static str,
    pub(crate) site: Site,
    pub(crate) delete: Deleting,
    pub(crate) lease: Duration,
    /// The shortest and the longest time between two looks at a lock.
    pub(crate) poll: (Duration, Duration),
    pub(crate) worker_env: Vec<(String, String)>,
    pub(crate) round_trips: Option<fn(&S) -> u64>,
    /// Clauses that the server can prove nothing of, and why.
    pub(crate) unproven: &'static [(&'static str, &'static str)],
    pub(crate) server: S,
}

impl<S> SiteFactory<S> {
    pub(crate) fn config(&self, namespace: &str) -> SecretsManagerConfig {
        let mut config = self.site.config(namespace);
        config.delete = self.delete;
        config.lease = self.lease;
        (config.poll_min, config.poll_max) = self.poll;
        config
    }
}

#[async_trait]
impl<S: Send + Sync + 'static> Factory for SiteFactory<S> {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(SecretsManagerStorage::open(&self.config(namespace)).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        SecretsManagerStorage::open(&self.config(namespace)).await?.erase().await
    }

    /// A client of a server that was stopped.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let server = LoopbackSecretsManager::start().expect("a port is free");
        let storage =
            SecretsManagerStorage::open(&loopback::site(&server).config(namespace)).await?;
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
        self.round_trips.map(|count| count(&self.server))
    }

    /// A version, and the label on it.
    fn lock_round_trips(&self) -> u64 {
        2
    }

    fn unproven(&self, clause: &str) -> Option<&'static str> {
        self.unproven.iter().find(|(id, _)| *id == clause).map(|(_, why)| *why)
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.worker_env.clone()
    }
}

type Plant = fn(&mut SecretsManagerConfig, &str);

/// Every secret as a canary in turn, and what a user may see of it. The access key's id is none: the driver's own debug
/// logs show it. That our errors do not is another test's.
async fn canary_texts(site: &Site, canary: &str) -> Vec<String> {
    let plants: [Plant; 2] = [
        |config, canary| config.secret_access_key = Some(Secret::new(canary)),
        |config, canary| config.session_token = Some(Secret::new(canary)),
    ];
    let mut texts = Vec::new();
    for plant in plants {
        for endpoint in [site.endpoint.as_str(), "http://127.0.0.1:1"] {
            let mut config = site.config("canary");
            config.endpoint = Some(endpoint.to_owned());
            plant(&mut config, canary);
            texts.push(format!("{config:?}"));
            match SecretsManagerStorage::open(&config).await {
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
        format!("secretsmanager://{canary}:{canary}@prefix/"),
        format!("secretsmanager://prefix?secret_access_key={canary}"),
        format!("secretsmanager://prefix?session_token={canary}"),
    ];
    for url in urls {
        let checked = SecretsManagerConfig::from_url(&url).and_then(|config| config.check());
        texts.extend(checked.err().map(|error| all_of(&error)));
    }
    texts
}
