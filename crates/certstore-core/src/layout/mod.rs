//! The key layout that CertMagic and Caddy write: where certificates, keys, staples and accounts lie.

mod ca_url;
mod safe;
mod v0_6;

#[cfg(test)]
mod tests;

pub use v0_6::V0_6;

use crate::{Error, ErrorKind, Key, LockName, Result};

const CERTIFICATES: &str = "certificates";
const ACME: &str = "acme";
const OCSP: &str = "ocsp";
const ZEROSSL: &str = "zerossl";
const DEFAULT_USER: &str = "default";

/// Keys and lock names as Go's CertMagic builds them, byte for byte (0.17 to 0.25), so that both share one storage.
///
/// An *issuer* is an issuer key: [`issuer_key`](Self::issuer_key) of an ACME directory URL, `local` for Caddy's internal
/// CA, `zerossl` for ZeroSSL's own API. A *domain* is a name as the certificate has it: `example.com`,
/// `*.example.com`, an IP address, an internationalised name in punycode.
///
/// Names go through [`safe`](Self::safe), which loses information: `a b` and `a_b` become one key. CertMagic would put
/// a name of which nothing is left, or only dots, into the directory above; here that is an error. So is a result
/// that is no valid [`Key`]: a name that ends with a dot or is too long.
///
/// ```
/// use certstore_core::StorageKeys;
/// let issuer = StorageKeys::issuer_key("https://acme-v02.api.letsencrypt.org/directory");
/// assert_eq!(
///     StorageKeys::site_cert(&issuer, "*.example.com")?.as_str(),
///     "certificates/acme-v02.api.letsencrypt.org-directory/wildcard_.example.com/wildcard_.example.com.crt",
/// );
/// assert!(StorageKeys::site_cert(&issuer, "..").is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageKeys;

impl StorageKeys {
    /// The layout of CertMagic 0.5 to 0.9, to read what those versions left behind.
    #[must_use]
    pub const fn v0_6() -> V0_6 {
        V0_6
    }

    /// `name` as a component of a key, as CertMagic's `Safe`: lower case, trimmed; a space becomes `_`, `+` `_plus_`,
    /// `*` `wildcard_`, `:` `-`; `..` goes, and then whatever is not of `[a-z0-9_@.-]`.
    ///
    /// The result may be empty, `.` or `..` (of `./.`), which is no component of a key.
    ///
    /// ```
    /// use certstore_core::StorageKeys;
    /// assert_eq!(StorageKeys::safe("User+Tag@Example.com"), "user_plus_tag@example.com");
    /// assert_eq!(StorageKeys::safe("2001:db8::1"), "2001-db8--1");
    /// ```
    #[must_use]
    pub fn safe(name: &str) -> String {
        safe::safe(name)
    }

    /// What a certificate for these names is stored and locked under, as CertMagic's `NamesKey`: the sorted names, joined
    /// by commas; cut to 1,024 bytes, with `_trunc` at the end.
    ///
    /// ```
    /// use certstore_core::StorageKeys;
    /// assert_eq!(StorageKeys::site_name(&["www.example.com", "example.com"]), "example.com,www.example.com");
    /// ```
    #[must_use]
    pub fn site_name<T: AsRef<str>>(names: &[T]) -> String {
        const LONGEST: usize = 1024;
        const CUT: &str = "_trunc";
        let mut names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        names.sort_unstable();
        let mut name = names.join(",");
        if name.len() > LONGEST {
            name.truncate(name.floor_char_boundary(LONGEST - CUT.len()));
            name.push_str(CUT);
        }
        name
    }

    /// The issuer key of an ACME CA: host, port and path of its directory URL. Of text that Go takes for no URL, that
    /// text; empty for one without host and path, as `localhost:14000/dir`, which lacks `https://`.
    ///
    /// ```
    /// use certstore_core::StorageKeys;
    /// assert_eq!(StorageKeys::issuer_key("https://acme.example/v2/DV90"), "acme.example-v2-DV90");
    /// ```
    #[must_use]
    pub fn issuer_key(ca_url: &str) -> String {
        let Some(url) = ca_url::parse(ca_url) else { return ca_url.to_owned() };
        let path = url.path.replace(['/', '\\'], "-");
        match path.trim_matches('-') {
            "" => url.host,
            path => format!("{}-{path}", url.host),
        }
    }

    /// The directory of an issuer's certificates.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer gives no component of a key.
    pub fn certs_prefix(issuer: &str) -> Result<Key> {
        Key::new(CERTIFICATES)?.join(&issuer_component(issuer)?)
    }

    /// The directory of one certificate with its key and metadata.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the domain gives no component of a key.
    pub fn cert_site_prefix(issuer: &str, domain: &str) -> Result<Key> {
        Self::certs_prefix(issuer)?.join(&domain_component(domain)?)
    }

    /// The certificate chain: PEM, the leaf first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the domain gives no component of a key.
    pub fn site_cert(issuer: &str, domain: &str) -> Result<Key> {
        site_file(issuer, domain, ".crt")
    }

    /// The certificate's private key: PEM.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the domain gives no component of a key.
    pub fn site_private_key(issuer: &str, domain: &str) -> Result<Key> {
        site_file(issuer, domain, ".key")
    }

    /// The certificate's metadata: JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the domain gives no component of a key.
    pub fn site_meta(issuer: &str, domain: &str) -> Result<Key> {
        site_file(issuer, domain, ".json")
    }

    /// Where a private key goes once it is known to be compromised, so that it is not used again.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the domain gives no component of a key.
    pub fn site_compromised_key(issuer: &str, domain: &str) -> Result<Key> {
        site_file(issuer, domain, ".key.compromised")
    }

    /// The OCSP response (DER) for a certificate: `first_name` is its first name, if it has any; `pem_bundle` is the
    /// chain as it is stored.
    ///
    /// ```
    /// use certstore_core::StorageKeys;
    /// let key = StorageKeys::ocsp_staple(Some("example.com"), b"pem bundle")?;
    /// assert_eq!(key.as_str(), "ocsp/example.com-51cca9ab");
    /// # Ok::<(), certstore_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the name is too long.
    pub fn ocsp_staple(first_name: Option<&str>, pem_bundle: &[u8]) -> Result<Key> {
        staple(first_name.map(Self::safe), pem_bundle)
    }

    /// The directory of all that belongs to one ACME CA: accounts and challenge tokens.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer gives no component of a key.
    pub fn acme_ca_prefix(issuer: &str) -> Result<Key> {
        Key::new(ACME)?.join(&issuer_component(issuer)?)
    }

    /// The directory of a CA's accounts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer gives no component of a key.
    pub fn users_prefix(issuer: &str) -> Result<Key> {
        Self::acme_ca_prefix(issuer)?.join("users")
    }

    /// The directory of one account; `default` when `email` is empty.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the address gives no component of a key.
    pub fn user_prefix(issuer: &str, email: &str) -> Result<Key> {
        user_dir(&Self::users_prefix(issuer)?, email, safe::safe)
    }

    /// The account's registration: JSON. Named by the part of the address before the `@`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the address gives no component of a key.
    pub fn user_reg(issuer: &str, email: &str) -> Result<Key> {
        user_file(&Self::users_prefix(issuer)?, email, UserFile::Registration, safe::safe)
    }

    /// The account's private key: PEM.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the address gives no component of a key.
    pub fn user_private_key(issuer: &str, email: &str) -> Result<Key> {
        user_file(&Self::users_prefix(issuer)?, email, UserFile::PrivateKey, safe::safe)
    }

    /// The ACME challenge that is being solved for `identifier`: JSON, there for any process to answer it.
    ///
    /// For an IP address with TLS-ALPN-01, CertMagic passes the address's reverse-DNS name without the last dot
    /// (`1.0.0.127.in-addr.arpa`); do so as well.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the identifier gives no component of a key.
    pub fn challenge_token(issuer: &str, identifier: &str) -> Result<Key> {
        token(&Self::acme_ca_prefix(issuer)?, identifier)
    }

    /// The validation that is being solved for `identifier` with ZeroSSL's own API.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the identifier gives no component of a key.
    pub fn zerossl_challenge_token(identifier: &str) -> Result<Key> {
        token(&Key::new(ZEROSSL)?, identifier)
    }

    /// When the storage was last cleaned, and by whom: JSON.
    ///
    /// # Errors
    /// None: the key is fixed and valid.
    pub fn last_clean() -> Result<Key> {
        Key::new("last_clean.json")
    }

    /// The lock under which a certificate for `name` is obtained or renewed. `name` is used as it is, Unicode included.
    ///
    /// ```
    /// use certstore_core::StorageKeys;
    /// assert_eq!(StorageKeys::issue_cert_lock("*.example.com")?.as_str(), "issue_cert_*.example.com");
    /// # Ok::<(), certstore_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the name has a NUL or is too long.
    pub fn issue_cert_lock(name: &str) -> Result<LockName> {
        LockName::new(&format!("issue_cert_{name}"))
    }

    /// The lock under which the renewal information of the certificate with this ARI identifier is updated.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the identifier has a NUL or is too long.
    pub fn ari_lock(ari_id: &str) -> Result<LockName> {
        LockName::new(&format!("ari_{ari_id}"))
    }

    /// The lock under which an ACME account is registered; `contact` is its first contact without `mailto:`, if any.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the contact has a NUL or is too long.
    pub fn register_account_lock(contact: Option<&str>) -> Result<LockName> {
        match contact {
            None => LockName::new("register_acme_account"),
            Some(contact) => LockName::new(&format!("register_acme_account_{contact}")),
        }
    }

    /// The lock under which the storage is cleaned.
    ///
    /// # Errors
    /// None: the name is fixed and valid.
    pub fn storage_clean_lock() -> Result<LockName> {
        LockName::new("storage_clean")
    }
}

/// `safe`, unless it would not be a directory of its own.
fn component(what: &str, given: &str, safe: String) -> Result<String> {
    if matches!(safe.as_str(), "" | "." | "..") {
        let rule =
            format!("this {what} becomes {safe:?} in a key, which names no directory of its own");
        let shown: String = given.escape_debug().take(80).collect();
        return Err(Error::new(ErrorKind::InvalidKey, rule).with_subject(shown));
    }
    Ok(safe)
}

fn issuer_component(issuer: &str) -> Result<String> {
    component("issuer", issuer, safe::safe(issuer))
}

fn domain_component(domain: &str) -> Result<String> {
    component("domain", domain, safe::safe(domain))
}

fn site_file(issuer: &str, domain: &str, extension: &str) -> Result<Key> {
    let name = domain_component(domain)?;
    StorageKeys::certs_prefix(issuer)?.join(&name)?.join(&format!("{name}{extension}"))
}

fn token(prefix: &Key, identifier: &str) -> Result<Key> {
    let name = component("identifier", identifier, safe::safe(identifier))?;
    prefix.join("challenge_tokens")?.join(&format!("{name}.json"))
}

fn staple(safe_name: Option<String>, pem_bundle: &[u8]) -> Result<Key> {
    let hash = fnv1a_32(pem_bundle);
    Key::new(OCSP)?.join(&match safe_name {
        Some(name) => format!("{name}-{hash:x}"),
        None => format!("{hash:x}"),
    })
}

fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// A file of an account: its extension, and its name where the address gives none.
#[derive(Clone, Copy)]
enum UserFile {
    Registration,
    PrivateKey,
}

fn user_dir(users: &Key, email: &str, safe: fn(&str) -> String) -> Result<Key> {
    let email = if email.is_empty() { DEFAULT_USER } else { email };
    users.join(&component("email address", email, safe(email))?)
}

fn user_file(users: &Key, email: &str, file: UserFile, safe: fn(&str) -> String) -> Result<Key> {
    let (fallback, extension) = match file {
        UserFile::Registration => ("registration", ".json"),
        UserFile::PrivateKey => ("private", ".key"),
    };
    let name = match email.split_once('@') {
        _ if email.is_empty() => DEFAULT_USER,
        Some(("", "")) => fallback,
        Some(("", domain)) => domain,
        Some((name, _)) => name,
        None => email,
    };
    user_dir(users, email, safe)?.join(&format!("{}{extension}", safe(name)))
}
