//! A test server, and clients of it.

use std::time::Duration;

use certstore_conformance::loopback_oss::LoopbackOss;
use certstore_core::{Error, Secret};
use certstore_oss::OssConfig;

/// A server and what it is signed in to with.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) region: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl Site {
    pub(crate) fn of(server: &LoopbackOss) -> Self {
        Self {
            endpoint: server.endpoint(),
            bucket: server.bucket().to_owned(),
            region: server.region().to_owned(),
            access_key: server.access_key().to_owned(),
            secret_key: server.secret_key().to_owned(),
        }
    }

    /// A configuration with a short lease.
    pub(crate) fn config(&self, prefix: &str) -> OssConfig {
        let mut config = OssConfig::new(&*self.bucket);
        prefix.clone_into(&mut config.prefix);
        config.endpoint = Some(self.endpoint.clone());
        config.region = Some(self.region.clone());
        config.access_key_id = Some(Secret::new(&*self.access_key));
        config.access_key_secret = Some(Secret::new(&*self.secret_key));
        config.lease = Some(Duration::from_millis(1_500));
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
