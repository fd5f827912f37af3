//! The names that autocert gives its data, and where each of them belongs.

use certstore_core::{Error, ErrorKind, Key, Result};

/// The names of an ACME account's private key: autocert's own, and the one that it wrote once.
pub(super) const ACCOUNT_KEYS: [&str; 2] = ["acme_account+key", "acme_account.key"];

/// Whether `name` is that of an ACME account's private key: `acme_account+key`, or `acme_account.key` as older versions
/// wrote it. A whole name, not a part of one.
///
/// ```
/// use certstore_layers::caching::is_acme_account_key;
/// assert!(is_acme_account_key("acme_account+key"));
/// assert!(!is_acme_account_key("acme_account.key+token"));
/// ```
#[must_use]
pub fn is_acme_account_key(name: &str) -> bool {
    ACCOUNT_KEYS.contains(&name)
}

/// Whether `name` is of data that stays with its host: tokens of challenges (`+token`, `http-01`), RSA certificates
/// (`+rsa`) and ACME account keys.
///
/// ```
/// use certstore_layers::caching::is_local_name;
/// assert!(is_local_name("x3Jk+http-01"));
/// assert!(!is_local_name("example.com"));
/// ```
#[must_use]
pub fn is_local_name(name: &str) -> bool {
    is_rsa(name)
        || name.ends_with("+token")
        || name.contains("http-01")
        || is_acme_account_key(name)
}

/// Whether `name` is that of an RSA certificate.
fn is_rsa(name: &str) -> bool {
    name.ends_with("+rsa")
}

/// Where a name's value lies, and under which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// In the local storage.
    Local(Key),
    /// In the backing storage, which all hosts share.
    Backing(Key),
}

/// Which names go where: one answer for get, put and delete.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes {
    /// The name in the backing storage that account keys are saved as; `None`: they stay local.
    pub(super) account_key: Option<Key>,
    /// Whether RSA certificates are shared as the others are.
    pub(super) share_rsa: bool,
}

impl Routes {
    /// Whether `name` goes to the backing storage.
    pub(super) fn is_backing(&self, name: &str) -> bool {
        !is_local_name(name)
            || (self.share_rsa && is_rsa(name))
            || (self.account_key.is_some() && is_acme_account_key(name))
    }

    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the name is no valid key.
    pub(super) fn of(&self, name: &str) -> Result<Route> {
        match &self.account_key {
            Some(key) if is_acme_account_key(name) => Ok(Route::Backing(key.clone())),
            _ if self.is_backing(name) => Key::new(name).map(Route::Backing),
            _ => Key::new(name).map(Route::Local),
        }
    }
}

/// The key that account keys are to be saved as.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: the name is no valid key.
pub(super) fn account_key_name(name: &str) -> Result<Key> {
    Key::new(name).map_err(|error| {
        Error::new(ErrorKind::InvalidConfig, "account keys cannot be saved under this name")
            .with_subject(name.escape_debug().to_string())
            .with_source(error)
    })
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
