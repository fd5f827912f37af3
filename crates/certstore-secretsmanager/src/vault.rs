//! What values and locks share: the secrets under one prefix, and what this client knows of them.

use certstore_core::{Error, ErrorKind};

use crate::budget::Budget;
use crate::config::{Deleting, SecretsManagerConfig, WINDOWS};
use crate::error::BACKEND;
use crate::names::Names;
use crate::recent::Recent;
use crate::secrets::Secrets;

/// The secrets under one prefix.
pub(crate) struct Vault {
    pub(crate) secrets: Secrets,
    pub(crate) names: Names,
    pub(crate) recent: Recent,
    pub(crate) budget: Budget,
    pub(crate) deleting: Deleting,
    /// For how many days what is scheduled can be restored.
    pub(crate) window: u32,
}

impl Vault {
    pub(crate) fn new(secrets: Secrets, config: &SecretsManagerConfig) -> Self {
        let window = match config.delete {
            Deleting::Force => *WINDOWS.start(),
            Deleting::Recover => config.recovery_window,
        };
        Self {
            secrets,
            names: Names::new(&config.base()),
            recent: Recent::default(),
            budget: Budget::new(config.max_versions_per_day),
            deleting: config.delete,
            window,
        }
    }
}

/// What stands for a write that met others each time.
pub(crate) fn overrun() -> Error {
    let message = "other writers came between again and again; try again";
    Error::new(ErrorKind::Unavailable, message).with_backend(BACKEND)
}
