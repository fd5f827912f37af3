//! Credentials of a configuration.

use std::fmt;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use certstore_core::{Error, ErrorKind, Result, Secret};

/// Checks that an access key is given whole or not at all.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`], naming what is missing.
pub fn check_credentials(
    access_key_id: Option<&Secret>,
    secret_access_key: Option<&Secret>,
    session_token: Option<&Secret>,
) -> Result<()> {
    let message = match (access_key_id, secret_access_key, session_token) {
        (Some(_), None, _) => "access_key_id is given without secret_access_key",
        (None, Some(_), _) => "secret_access_key is given without access_key_id",
        (None, None, Some(_)) => {
            "session_token is given without access_key_id and secret_access_key"
        }
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::InvalidConfig, message))
}

/// Credentials that are given. The driver logs its providers, and its own shows the access key's id.
pub(crate) struct Given(Credentials);

impl Given {
    pub(crate) fn new(id: &Secret, key: &Secret, token: Option<&Secret>) -> Self {
        let token = token.map(Secret::expose).map(str::to_owned);
        Self(Credentials::new(id.expose(), key.expose(), token, None, "certstore"))
    }
}

impl ProvideCredentials for Given {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Ok(self.0.clone()))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
