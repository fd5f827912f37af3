//! A test server, and clients of it.

use std::time::Duration;

use certstore_conformance::loopback_gcs::LoopbackGcs;
use certstore_core::{Error, Secret};
use certstore_gcs::GcsConfig;

/// A server and the token that it takes.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) token: String,
}

impl Site {
    pub(crate) fn of(server: &LoopbackGcs) -> Self {
        Self {
            endpoint: server.endpoint(),
            bucket: server.bucket().to_owned(),
            token: server.token().to_owned(),
        }
    }

    /// A configuration with a short lease.
    pub(crate) fn config(&self, prefix: &str) -> GcsConfig {
        let mut config = GcsConfig::new(&*self.bucket);
        prefix.clone_into(&mut config.prefix);
        config.endpoint = Some(self.endpoint.clone());
        config.access_token = Some(Secret::new(&*self.token));
        config.lease = Duration::from_millis(1_500);
        config.poll_min = Duration::from_millis(5);
        config.poll_max = Duration::from_millis(50);
        config
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
