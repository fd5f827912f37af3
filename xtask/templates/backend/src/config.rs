//! The settings.

use std::time::Duration;

use certstore_core::Result;
use certstore_core::lease::LeaseConfig;

/// The settings of a [`{{Name}}Storage`](crate::{{Name}}Storage).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct {{Name}}Config {
    /// How long a lock outlives a holder that does not renew it. Default 15 s, at least 100 ms.
    pub lease: Duration,
}

impl Default for {{Name}}Config {
    fn default() -> Self {
        Self { lease: Duration::from_secs(15) }
    }
}

impl {{Name}}Config {
    /// Checks the settings once, before anything is opened.
    pub(crate) fn lease(&self) -> Result<LeaseConfig> {
        LeaseConfig::new(self.lease).map_err(|error| error.with_backend(crate::BACKEND))
    }
}
