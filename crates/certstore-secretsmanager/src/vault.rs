//! What values and locks share: the secrets under one prefix, and what this client knows of them.

use std::sync::Arc;

use certstore_core::{Error, ErrorKind};

use crate::budget::Budget;
use crate::config::{Deleting, SecretsManagerConfig, WINDOWS};
use crate::error::BACKEND;
use crate::names::Names;
use crate::recent::Recent;
use crate::secrets::Secrets;

/// The secrets under one prefix. Clones share what is known of them.
#[derive(Clone)]
pub(crate) struct Vault {
    pub(crate) secrets: Secrets,
    pub(crate) names: Arc<Names>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) budget: Arc<Budget>,
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
            names: Arc::new(Names::new(&config.base())),
            recent: Arc::default(),
            budget: Arc::new(Budget::new(config.max_versions_per_day)),
            deleting: config.delete,
            window,
        }
    }

    /// For one call of a user's: all its requests together have the time of one.
    pub(crate) fn call(&self) -> Self {
        Self { secrets: self.secrets.one_call(), ..self.clone() }
    }

    /// For what goes on when the call is over: each request has its own time again.
    pub(crate) fn after_call(&self) -> Self {
        Self { secrets: self.secrets.after_call(), ..self.clone() }
    }

    /// For locks: a renewal does not wait behind a burst of stores.
    pub(crate) fn urgent(&self) -> Self {
        Self { secrets: self.secrets.urgent(), ..self.clone() }
    }
}

/// What stands for a write that met others each time.
pub(crate) fn overrun() -> Error {
    let message = "other writers came between again and again; try again";
    Error::new(ErrorKind::Unavailable, message).with_backend(BACKEND)
}
