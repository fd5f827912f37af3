//! A test server, and clients of it.

use std::time::Duration;

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
    /// A configuration with a short lease and without counts of versions and requests.
    pub(crate) fn config(&self, prefix: &str) -> SecretsManagerConfig {
        let mut config = SecretsManagerConfig::new(prefix);
        config.endpoint = Some(self.endpoint.clone());
        config.region = Some(self.region.clone());
        config.access_key_id = Some(Secret::new(&*self.access_key));
        config.secret_access_key = Some(Secret::new(&*self.secret_key));
        config.max_versions_per_day = 0;
        (config.max_writes_per_second, config.max_lists_per_second) = (0, 0);
        config.lease = Duration::from_millis(2_000);
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
