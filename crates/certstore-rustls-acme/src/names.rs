//! Where the values of rustls-acme stand.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use certstore_core::{Dir, Key, Result};
use ring::digest::{Context, SHA256};

/// The key of the certificate with its private key: `<dir>/cached_cert_<hash>`.
///
/// The hash is SHA-256, in the URL-safe alphabet of base64 without padding (RFC 4648, section 5), over each domain in
/// the order given, a zero byte after each, and the URL of the directory. The last component is the file name that
/// rustls-acme's `DirCache` has.
///
/// # Errors
/// [`InvalidKey`](certstore_core::ErrorKind::InvalidKey): `dir` is so long that the key does not fit.
///
/// ```
/// use certstore_rustls_acme::cert_key;
/// let key = cert_key(&"rustls-acme".parse()?, &["example.com".to_owned()], "https://ca.example/dir")?;
/// assert_eq!(key.as_str(), "rustls-acme/cached_cert_ziiTmbcwEFfVpxIZU5Qya50Oo5txgXtFEF0l9Np1Sfw");
/// # Ok::<(), certstore_core::Error>(())
/// ```
pub fn cert_key(dir: &Dir, domains: &[String], directory_url: &str) -> Result<Key> {
    dir.join(&format!("cached_cert_{}", hash(domains, directory_url)))
}

/// The key of the ACME account's private key: `<dir>/cached_account_<hash>`, the hash as in [`cert_key`] with the
/// contacts in place of the domains.
///
/// # Errors
/// [`InvalidKey`](certstore_core::ErrorKind::InvalidKey): `dir` is so long that the key does not fit.
pub fn account_key(dir: &Dir, contact: &[String], directory_url: &str) -> Result<Key> {
    dir.join(&format!("cached_account_{}", hash(contact, directory_url)))
}

fn hash(words: &[String], directory_url: &str) -> String {
    let mut context = Context::new(&SHA256);
    for word in words {
        context.update(word.as_bytes());
        context.update(&[0]);
    }
    context.update(directory_url.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(context.finish())
}
