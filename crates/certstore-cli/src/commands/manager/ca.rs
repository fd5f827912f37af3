//! An ACME CA, and the account there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use certstore::{Secret, Storage};
use certstore_acme::{AcmeIssuer, LETS_ENCRYPT_PRODUCTION_CA};
use certstore_instant_acme::{AccountStore, Ca, StoredChallenges};
use clap::{Args, ValueEnum};
use instant_acme::ExternalAccountKey;

use super::failure;
use crate::exit::Failure;

/// What a CA looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Challenge {
    /// A page on port 80
    #[value(name = "http-01")]
    Http01,
    /// A handshake on port 443
    #[value(name = "tls-alpn-01")]
    TlsAlpn01,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct CaArgs {
    /// Where the ACME CA may write to; the account is this address's
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The directory of the ACME CA
    #[arg(long, value_name = "URL", default_value = LETS_ENCRYPT_PRODUCTION_CA)]
    pub(super) ca: String,
    /// The root, in PEM, of the ACME CA's own server, where the machine does not trust it
    #[arg(long, value_name = "FILE")]
    ca_root: Option<PathBuf>,
    /// What the CA is to look at first; the next order takes the other one when it fails
    #[arg(long, value_name = "CHALLENGE", default_value = "http-01")]
    challenge: Challenge,
    /// The id of the key by which the ACME CA knows its customer, for a new account (external account binding)
    #[arg(long, value_name = "ID", requires = "eab_key")]
    eab_kid: Option<String>,
    /// The file with that key, as the CA shows it: base64url
    #[arg(long, value_name = "FILE", requires = "eab_kid")]
    eab_key: Option<PathBuf>,
}

impl CaArgs {
    pub(super) fn ca(&self) -> Ca {
        Ca::new(&*self.ca)
    }

    /// What obtains certificates there.
    ///
    /// # Errors
    /// A file cannot be read, or holds no key.
    pub(in crate::commands) fn issuer(
        &self,
        storage: &Arc<dyn Storage>,
    ) -> Result<AcmeIssuer, Failure> {
        let mut ca = self.ca();
        if let Some(root) = self.ca_root.clone() {
            std::fs::metadata(&root).map_err(|error| unreadable(&root, error))?;
            ca = ca.with_root(root);
        }
        let accounts = AccountStore::new(Arc::clone(storage), ca.clone());
        let accounts = match &self.email {
            Some(email) => accounts.and_then(|accounts| accounts.with_email(&**email)),
            None => accounts,
        };
        let accounts = accounts.map_err(|error| failure(error.into()))?;
        let accounts = match self.external()? {
            Some(key) => accounts.with_external_account(key),
            None => accounts,
        };
        let responder = StoredChallenges::new(Arc::clone(storage), &ca);
        let responder = match self.challenge {
            Challenge::Http01 => responder,
            Challenge::TlsAlpn01 => responder.prefer_tls_alpn_challenge(),
        };
        Ok(AcmeIssuer::new(Arc::clone(storage), &ca, Arc::new(accounts), Arc::new(responder)))
    }

    fn external(&self) -> Result<Option<ExternalAccountKey>, Failure> {
        let (Some(kid), Some(file)) = (&self.eab_kid, &self.eab_key) else { return Ok(None) };
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, error))?;
        // Some CAs show it with padding.
        let text = Secret::new(text.trim().trim_end_matches('='));
        let key = BASE64_URL_SAFE_NO_PAD
            .decode(text.expose())
            .map_err(|_| Failure::Usage(format!("{} holds no key in base64url", file.display())))?;
        Ok(Some(ExternalAccountKey::new(kid.clone(), &key)))
    }
}

fn unreadable(file: &Path, error: std::io::Error) -> Failure {
    Failure::local(format!("read {}", file.display()), error)
}
