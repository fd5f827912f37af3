//! The suite's factory: the loopback server, in this process or, for a worker, in the one that started it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_conformance::loopback_gcs::LoopbackGcs;
use certstore_core::{Key, Result, Secret, Storage};
use certstore_gcs::{GcsConfig, GcsStorage};

use crate::support::site::{Site, all_of};

/// Runs the suite against a server. The limit of one write a second is off: the cases time other things.
pub(crate) struct GcsFactory {
    server: Option<LoopbackGcs>,
    site: Site,
    /// The shortest and the longest time between two looks at a lock.
    pub(crate) poll: (Duration, Duration),
}

pub(crate) fn factory() -> GcsFactory {
    let of_parent = |name: &str| std::env::var(format!("LOOPBACK_GCS_{name}")).ok();
    let (server, site) = match of_parent("ENDPOINT") {
        Some(endpoint) => {
            let text = |name| of_parent(name).expect("the parent gives all of them");
            (None, Site { endpoint, bucket: text("BUCKET"), token: text("TOKEN") })
        }
        None => {
            let server = LoopbackGcs::start().expect("a port is free");
            let site = Site::of(&server);
            (Some(server), site)
        }
    };
    GcsFactory { server, site, poll: (Duration::from_millis(5), Duration::from_millis(50)) }
}

#[async_trait]
impl Factory for GcsFactory {
    fn name(&self) -> &str {
        "gcs"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let mut config = self.site.config(namespace);
        (config.poll_min, config.poll_max) = self.poll;
        Ok(Arc::new(GcsStorage::open(&config).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        GcsStorage::open(&self.site.config(namespace)).await?.erase().await
    }

    /// A client of a server that was stopped.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let server = LoopbackGcs::start().expect("a port is free");
        let storage = GcsStorage::open(&Site::of(&server).config(namespace)).await?;
        drop(server);
        Ok(Some(Arc::new(storage)))
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.site.token.clone()]
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        let mut texts = with_token(&self.site, canary).await;
        texts.extend(with_file(&self.site, canary).await);
        let urls = [
            format!("gs://{canary}:{canary}@bucket/"),
            format!("gs://bucket?access_token={canary}%0A"),
            format!("gs://bucket?access_token={canary}&anonymous=true"),
        ];
        for url in urls {
            let checked = GcsConfig::from_url(&url).and_then(|config| config.check());
            texts.extend(checked.err().map(|error| all_of(&error)));
        }
        texts
    }

    fn round_trips(&self) -> Option<u64> {
        Some(self.server.as_ref().map_or(0, |server| server.requests().total()))
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.server.as_ref().map(LoopbackGcs::worker_env).unwrap_or_default()
    }
}

/// What a user may see of an access token.
async fn with_token(site: &Site, canary: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for endpoint in [site.endpoint.as_str(), "http://127.0.0.1:1"] {
        let mut config = site.config("canary");
        config.endpoint = Some(endpoint.to_owned());
        config.access_token = Some(Secret::new(canary));
        texts.push(format!("{config:?}"));
        texts.extend(seen(&config).await);
    }
    texts
}

/// What a user may see of what stands in a credentials file, right and wrong.
async fn with_file(site: &Site, canary: &str) -> Vec<String> {
    let token_uri = format!("{}/token", site.endpoint);
    let account = |key: &str| {
        format!(
            r#"{{"type":"service_account","client_email":"a@b","private_key_id":"1","project_id":"p","private_key":{key}}}"#
        )
    };
    let files = [
        format!(
            r#"{{"type":"authorized_user","client_id":"{canary}","client_secret":"{canary}","refresh_token":"{canary}","token_uri":"{token_uri}"}}"#
        ),
        account(&format!("\"{canary}\"")),
        account(&format!("[\"{canary}\"]")),
        account(&format!(
            r#""-----BEGIN PRIVATE KEY-----\n{canary}\n-----END PRIVATE KEY-----\n""#
        )),
        format!(r#"{{"type":"{canary}"}}"#),
        format!(r#"{{"type":"authorized_user","client_secret":["{canary}"]}}"#),
        canary.to_owned(),
    ];
    let mut texts = Vec::new();
    for (number, text) in files.iter().enumerate() {
        let name = format!("certstore-gcs-canary-{}-{number}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("the file can be written");
        let mut config = site.config("canary");
        config.access_token = None;
        config.credentials_file = Some(path.clone());
        texts.push(format!("{config:?}"));
        texts.extend(seen(&config).await);
        std::fs::remove_file(&path).expect("the file can be removed");
    }
    texts
}

async fn seen(config: &GcsConfig) -> Vec<String> {
    match GcsStorage::open(config).await {
        Ok(storage) => {
            let key = Key::new("canary/missing").expect("a key");
            let loaded = storage.load(&key).await;
            let error = loaded.err().map(|error| all_of(&error));
            std::iter::once(format!("{storage:?}")).chain(error).collect()
        }
        Err(error) => vec![all_of(&error)],
    }
}
