//! Storage URLs, split on parse so that a password never stays in a text that could be printed.

use std::fmt;

use certstore_core::{Error, ErrorKind, Result, Secret, options};

/// `scheme:[//[user[:password]@]host[:port]]/path[?key=value&...]`, percent-decoded.
#[derive(Clone)]
pub(super) struct StorageUrl {
    pub(super) scheme: String,
    /// Name and password; kept for backends that sign in.
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    /// `host[:port]`; `None` without `//`.
    pub(super) authority: Option<String>,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
}

impl StorageUrl {
    /// Splits a URL.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let scheme = scheme(url)?;
        let rest = &url[scheme.len() + 1..];
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..end]), &rest[end..])
            }
        };
        let (login, authority) = match authority.and_then(|authority| authority.rsplit_once('@')) {
            Some((login, host)) => (Some(login), Some(host)),
            None => (None, authority),
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
        {
            Some((user, password)) => {
                (Some(options::decode(user)?), Some(password).filter(|text| !text.is_empty()))
            }
            None => (None, None),
        };
        Ok(Self {
            scheme,
            user,
            password: password.map(options::decode).transpose()?.map(Secret::new),
            authority: authority.map(options::decode).transpose()?,
            path: options::decode(path)?,
            query: options::query(query)?,
        })
    }
}

impl fmt::Debug for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query: Vec<_> = self.query.iter().map(|(name, _)| name).collect();
        f.debug_struct("StorageUrl")
            .field("scheme", &self.scheme)
            .field("user", &self.user)
            .field("password", &self.password)
            .field("authority", &self.authority)
            .field("path", &self.path)
            .field("query", &query)
            .finish()
    }
}

/// The scheme of a URL, in lower case.
pub(super) fn scheme(url: &str) -> Result<String> {
    if let Some(control) = url.chars().find(|c| c.is_control()) {
        return Err(wrong(format!(
            "a storage URL has no control characters, this one has {control:?}"
        )));
    }
    let scheme = url.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| is_scheme(scheme));
    scheme.map(str::to_ascii_lowercase).ok_or_else(|| {
        wrong(
            "a storage URL starts with a scheme, like memory: or file:///var/lib/certstore"
                .to_owned(),
        )
    })
}

/// A scheme has two letters at least, so that a Windows drive is none.
fn is_scheme(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The URL itself is not shown: it may hold a password.
fn wrong(message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_operation("read").with_subject("storage URL")
}

// They speak of paths, as only files have them.
#[cfg(test)]
#[cfg(all(unix, feature = "fs"))]
#[path = "url_tests.rs"]
mod tests;
