//! The driver's own client, to look at secrets and to put foreign ones there.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};

use crate::site::Site;

impl Site {
    pub(crate) fn raw(&self) -> Client {
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
        Client::from_conf(config)
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
