//! The names of one certificate.

use std::fmt;
use std::net::IpAddr;

use certstore_core::{Error, ErrorKind, Result, StorageKeys};
use instant_acme::Identifier;

/// The names of one certificate: at least one, sorted, none twice. DNS names in lower case, internationalised ones in
/// punycode, a wildcard as `*.example.com`; IP addresses.
///
/// ```
/// use certstore_instant_acme::Names;
/// let names = Names::new(["www.example.com", "Example.com"])?;
/// assert_eq!(names.storage_name(), "example.com,www.example.com");
/// assert!(Names::new(["bücher.example"]).is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// Checks them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: there is none, or one is neither a DNS name in ASCII nor an IP address.
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Result<Self> {
        let checked: Result<Vec<String>> =
            names.into_iter().map(|name| check(name.as_ref())).collect();
        let mut names = checked?;
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Err(Error::new(ErrorKind::InvalidKey, "a certificate needs a name"));
        }
        Ok(Self(names))
    }

    /// The names, sorted.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// What the certificate is stored and locked under, as CertMagic does: the name; several are joined by commas.
    #[must_use]
    pub fn storage_name(&self) -> String {
        StorageKeys::site_name(&self.0)
    }

    pub(crate) fn identifiers(&self) -> Vec<Identifier> {
        let identifier = |name: &String| match name.parse() {
            Ok(address) => Identifier::Ip(address),
            Err(_) => Identifier::Dns(name.clone()),
        };
        self.0.iter().map(identifier).collect()
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

fn check(name: &str) -> Result<String> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let plain = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if plain.split('.').all(label) {
        return Ok(name.to_ascii_lowercase());
    }
    let rule = "this is no DNS name in ASCII (punycode for other letters) and no IP address";
    let shown: String = name.escape_debug().take(80).collect();
    Err(Error::new(ErrorKind::InvalidKey, rule).with_subject(shown))
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
