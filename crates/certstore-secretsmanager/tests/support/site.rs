//! A test server, and clients of it.

use std::time::Duration;

use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use certstore_core::{Error, Secret};
use certstore_secretsmanager::SecretsManagerConfig;

/// A server and what it is signed in to with.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl Site {
    /// A configuration with a short lease and without a count of versions.
    pub(crate) fn config(&self, prefix: &str) -> SecretsManagerConfig {
        let mut config = SecretsManagerConfig::new(prefix);
        config.endpoint = Some(self.endpoint.clone());
        config.region = Some(self.region.clone());
        config.access_key_id = Some(Secret::new(&*self.access_key));
        config.secret_access_key = Some(Secret::new(&*self.secret_key));
        config.max_versions_per_day = 0;
        config.lease = Duration::from_millis(2_000);
        config.poll_min = Duration::from_millis(5);
        config.poll_max = Duration::from_millis(50);
        config
    }

    /// A client of the driver itself, to look at secrets and to put foreign ones there.
    pub(crate) fn raw(&self) -> aws_sdk_secretsmanager::Client {
        let config = aws_sdk_secretsmanager::Config::builder()
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
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }

    /// The names of all secrets that begin with `prefix`, sorted.
    pub(crate) async fn secrets(&self, prefix: &str) -> Vec<String> {
        let mut pages = self.raw().list_secrets().into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("the server lists");
            names.extend(
                page.secret_list().iter().filter_map(|secret| secret.name().map(str::to_owned)),
            );
        }
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        names
    }
}

/// `Debug`, `Display` and every source.
pub(crate) fn all_of(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause:?} {cause}"));
        source = cause.source();
    }
    text
}
