//! The key layout of CertMagic 0.5 to 0.9.

use super::{ACME, component, safe::safe_v0_6, staple, user_dir, user_file};
use super::{UserFile, ca_url};
use crate::{Key, Result};

/// The keys of CertMagic 0.6 (tag v0.6.2; 0.5.0 to 0.9.3 build the same), byte for byte, to migrate what it left.
///
/// Certificates and accounts of a CA lie together under the host of its directory URL: `acme/<host>/sites/<domain>/`
/// and `acme/<host>/users/<email>/`. Read only: nothing stores under these keys, and CertMagic itself does not since
/// 0.10. The same bytes belong under the keys of [`StorageKeys`](super::StorageKeys).
///
/// A *ca* is the CA's directory URL. Two differences to the later names: a CA's path is not in its name, and `:` is
/// dropped instead of becoming `-`.
///
/// ```
/// use certstore_core::StorageKeys;
/// let old = StorageKeys::v0_6().site_cert("https://acme-v02.api.letsencrypt.org/directory", "example.com")?;
/// assert_eq!(old.as_str(), "acme/acme-v02.api.letsencrypt.org/sites/example.com/example.com.crt");
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V0_6;

impl V0_6 {
    /// The directory of all that belongs to one CA.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the URL has no host. A host without `https://` before it
    /// is none.
    pub fn ca_prefix(self, ca: &str) -> Result<Key> {
        let host = ca_url::parse(ca).map_or_else(|| ca.to_owned(), |url| url.host);
        Key::new(ACME)?.join(&component("CA URL", ca, safe_v0_6(&host))?)
    }

    /// The directory of one certificate with its key and metadata.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA or the domain gives no component of a key.
    pub fn site_prefix(self, ca: &str, domain: &str) -> Result<Key> {
        self.ca_prefix(ca)?.join("sites")?.join(&domain_component(domain)?)
    }

    /// The certificate chain: PEM, the leaf first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA or the domain gives no component of a key.
    pub fn site_cert(self, ca: &str, domain: &str) -> Result<Key> {
        self.site_file(ca, domain, ".crt")
    }

    /// The certificate's private key: PEM.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA or the domain gives no component of a key.
    pub fn site_private_key(self, ca: &str, domain: &str) -> Result<Key> {
        self.site_file(ca, domain, ".key")
    }

    /// The certificate's metadata: JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA or the domain gives no component of a key.
    pub fn site_meta(self, ca: &str, domain: &str) -> Result<Key> {
        self.site_file(ca, domain, ".json")
    }

    /// The directory of a CA's accounts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA gives no component of a key.
    pub fn users_prefix(self, ca: &str) -> Result<Key> {
        self.ca_prefix(ca)?.join("users")
    }

    /// The directory of one account; `default` when `email` is empty.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA or the address gives no component of a key.
    pub fn user_prefix(self, ca: &str, email: &str) -> Result<Key> {
        user_dir(&self.users_prefix(ca)?, email, safe_v0_6)
    }

    /// The account's registration: JSON. Named by the part of the address before the `@`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA or the address gives no component of a key.
    pub fn user_reg(self, ca: &str, email: &str) -> Result<Key> {
        user_file(&self.users_prefix(ca)?, email, UserFile::Registration, safe_v0_6)
    }

    /// The account's private key: PEM.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the CA or the address gives no component of a key.
    pub fn user_private_key(self, ca: &str, email: &str) -> Result<Key> {
        user_file(&self.users_prefix(ca)?, email, UserFile::PrivateKey, safe_v0_6)
    }

    /// The OCSP response (DER) for a certificate: `first_name` is its first name, if it has any; `pem_bundle` is the
    /// chain as it is stored. Differs from the later key only for a name with a `:`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey): the name is too long.
    pub fn ocsp_staple(self, first_name: Option<&str>, pem_bundle: &[u8]) -> Result<Key> {
        staple(first_name.map(safe_v0_6), pem_bundle)
    }

    fn site_file(self, ca: &str, domain: &str, extension: &str) -> Result<Key> {
        self.site_prefix(ca, domain)?.join(&format!("{}{extension}", domain_component(domain)?))
    }
}

fn domain_component(domain: &str) -> Result<String> {
    component("domain", domain, safe_v0_6(domain))
}
