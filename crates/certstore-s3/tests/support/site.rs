//! A test server, and clients of it.

use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use certstore_conformance::servers::S3Account;
use certstore_core::{Error, Secret};
use certstore_s3::S3Config;

/// A server and what it is signed in to with.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) region: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl From<&S3Account> for Site {
    fn from(account: &S3Account) -> Self {
        Self {
            endpoint: account.endpoint().to_owned(),
            bucket: account.bucket().to_owned(),
            region: account.region().to_owned(),
            access_key: account.access_key().to_owned(),
            secret_key: account.secret_key().to_owned(),
        }
    }
}

impl Site {
    /// A configuration with a short lease.
    pub(crate) fn config(&self, prefix: &str) -> S3Config {
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
    pub(crate) fn raw(&self) -> aws_sdk_s3::Client {
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
    pub(crate) async fn objects(&self, prefix: &str) -> Vec<String> {
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
