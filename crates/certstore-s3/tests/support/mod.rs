//! Clients of a test server, for the suite and for the tests of this crate.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use certstore_conformance::Factory;
use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_core::{Error, Key, Result, Secret, Storage};
use certstore_s3::{ProbeReport, Probing, S3Config, S3Storage};
use tokio::sync::OnceCell;

/// A server and what it is signed in to with.
#[derive(Debug, Clone)]
pub struct Site {
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
}

impl Site {
    /// A configuration with a short lease.
    pub fn config(&self, prefix: &str) -> S3Config {
        let mut config = S3Config::new(&*self.bucket);
        prefix.clone_into(&mut config.prefix);
        config.endpoint = Some(self.endpoint.clone());
        config.region = Some(self.region.clone());
        config.access_key_id = Some(Secret::new(&*self.access_key));
        config.secret_access_key = Some(Secret::new(&*self.secret_key));
        config.lease = Duration::from_millis(1_500);
        config.poll_min = Duration::from_millis(5);
        config.poll_max = Duration::from_millis(50);
        config
    }

    /// A client of the driver itself, to look at objects and to put foreign ones there.
    pub fn raw(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.endpoint)
            .region(Region::new(self.region.clone()))
            .credentials_provider(Credentials::new(
                &self.access_key,
                &self.secret_key,
                None,
                None,
                "test",
            ))
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// The names of all objects that begin with `prefix`.
    pub async fn objects(&self, prefix: &str) -> Vec<String> {
        let raw = self.raw();
        let mut pages =
            raw.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("the server lists");
            names.extend(
                page.contents().iter().filter_map(|object| object.key().map(str::to_owned)),
            );
        }
        names
    }

    pub async fn clear(&self, prefix: &str) {
        let raw = self.raw();
        for name in self.objects(prefix).await {
            let deleted = raw.delete_object().bucket(&self.bucket).key(name).send().await;
            deleted.expect("the server deletes");
        }
    }
}

/// Runs the suite against a site. `server` lives as long as the factory.
pub struct SiteFactory<S> {
    pub name: &'static str,
    pub site: Site,
    pub stamped: bool,
    pub probing: Probing,
    pub worker_env: Vec<(String, String)>,
    pub round_trips: Option<fn(&S) -> u64>,
    pub server: S,
    pub report: OnceCell<ProbeReport>,
}

impl<S> SiteFactory<S> {
    fn config(&self, namespace: &str) -> S3Config {
        let mut config = self.site.config(namespace);
        config.stamped = self.stamped;
        config.probe = self.probing;
        config
    }
}

#[async_trait]
impl<S: Send + Sync + 'static> Factory for SiteFactory<S> {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let config = self.config(namespace);
        // One probe a process: every client but the first goes by it, so that the cases time the calls themselves.
        let probe = async || S3Storage::open(&config).await?.probe().await;
        let report = self.report.get_or_try_init(probe).await?;
        Ok(Arc::new(S3Storage::open_probed(&config, report).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        self.site.clear(&format!("{namespace}/")).await;
        Ok(())
    }

    /// A client of a server that was stopped.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let server = LoopbackS3::start().expect("a port is free");
        let storage = S3Storage::open(&crate::loopback::site(&server).config(namespace)).await?;
        drop(server);
        Ok(Some(Arc::new(storage)))
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.site.access_key.clone(), self.site.secret_key.clone()]
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        canary_texts(&self.site, canary).await
    }

    fn round_trips(&self) -> Option<u64> {
        self.round_trips.map(|count| count(&self.server))
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.worker_env.clone()
    }
}

type Plant = fn(&mut S3Config, &str);

/// Every credential as a canary in turn, and what a user may see of it.
async fn canary_texts(site: &Site, canary: &str) -> Vec<String> {
    let plants: [Plant; 4] = [
        |config, canary| config.access_key_id = Some(Secret::new(canary)),
        |config, canary| config.secret_access_key = Some(Secret::new(canary)),
        |config, canary| config.session_token = Some(Secret::new(canary)),
        |config, canary| config.secretbox_key = Some(Secret::new(canary)),
    ];
    let mut texts = Vec::new();
    for plant in plants {
        for endpoint in [site.endpoint.as_str(), "http://127.0.0.1:1"] {
            let mut config = site.config("canary");
            config.endpoint = Some(endpoint.to_owned());
            plant(&mut config, canary);
            texts.push(format!("{config:?}"));
            match S3Storage::open(&config).await {
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
        format!("s3://{canary}:{canary}@bucket/"),
        format!("s3://bucket?secret_access_key={canary}"),
        format!("s3://bucket?secretbox_key={canary}"),
    ];
    for url in urls {
        let checked = S3Config::from_url(&url).and_then(|config| config.check());
        texts.extend(checked.err().map(|error| all_of(&error)));
    }
    texts
}

/// `Debug`, `Display` and every source.
pub fn all_of(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause:?} {cause}"));
        source = cause.source();
    }
    text
}
