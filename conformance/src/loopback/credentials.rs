//! Access keys, and what they may do.

use std::fmt;

/// What a client signs its requests with.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: String,
    /// The session token, of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// An access key and what it may do.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) credentials: Credentials,
    pub(crate) may_write: bool,
}

impl Identity {
    /// One with all rights.
    pub(crate) fn new(access_key: &str, secret_key: &str, session_token: Option<&str>) -> Self {
        let credentials = Credentials {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            session_token: session_token.map(str::to_owned),
        };
        Self { credentials, may_write: true }
    }

    /// The same that may only read.
    pub(crate) fn only_reading(self) -> Self {
        Self { may_write: false, ..self }
    }
}
