//! What a client asks for.

use std::net::IpAddr;

use rustls::SignatureScheme;
use rustls::server::ClientHello;

use super::index::Place;
use super::shelf::Schemes;

/// The longest name of DNS.
const LONGEST: usize = 253;

/// What a client says in the beginning, as far as it matters for the certificate that it gets.
///
/// ```
/// use certstore_acme::Hello;
/// let hello = Hello::named("www.example.com").at([192, 0, 2, 1].into());
/// # let _ = hello;
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Hello<'a> {
    /// The name it asks for (SNI); clients that connect to an IP address send none.
    pub name: Option<&'a str>,
    /// The address it has connected to.
    pub address: Option<IpAddr>,
    /// The signatures it can check; `None` when that is not known.
    pub schemes: Option<&'a [SignatureScheme]>,
}

impl<'a> Hello<'a> {
    /// Of one that asks for a name.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        Self { name: Some(name), ..Self::default() }
    }

    /// Of what rustls has read.
    #[must_use]
    pub fn of(hello: &'a ClientHello<'_>) -> Self {
        let schemes = Some(hello.signature_schemes());
        Self { name: hello.server_name(), address: None, schemes }
    }

    /// With the local address of the connection.
    #[must_use]
    pub fn at(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// With the signatures that the client can check.
    #[must_use]
    pub fn with_schemes(mut self, schemes: &'a [SignatureScheme]) -> Self {
        self.schemes = Some(schemes);
        self
    }

    pub(super) fn offered(&self) -> Schemes {
        self.schemes.map_or(Schemes::ALL, Schemes::of)
    }
}

/// Hands on where to look for a name as a client may write it: in any case, perhaps with a dot at its end. Allocates
/// nothing.
pub(super) fn with_place<T>(name: &str, look: impl FnOnce(Place<'_>) -> T) -> Option<T> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(look(Place::of(name)));
    }
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).ok().map(|name| look(Place::of(name)))
}
