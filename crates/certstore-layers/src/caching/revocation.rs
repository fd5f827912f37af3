//! Why a certificate is revoked.

use std::fmt;
use std::str::FromStr;

use certstore_core::{Error, ErrorKind, Result};

/// A reason for a revocation: `CRLReason` of RFC 5280, section 5.3.1, as the `reason` of RFC 8555, section 7.6.
///
/// `removeFromCRL` (8) is left out: it takes a revocation back. A CA may allow only some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason is given.
    #[default]
    Unspecified,
    /// Somebody else has the private key, or may have.
    KeyCompromise,
    /// Somebody else has the CA's private key.
    CaCompromise,
    /// The names changed hands.
    AffiliationChanged,
    /// Another certificate has replaced it.
    Superseded,
    /// The names are not served any more.
    CessationOfOperation,
    /// It is on hold.
    CertificateHold,
    /// A right that it tells of was withdrawn.
    PrivilegeWithdrawn,
    /// Somebody else has an attribute authority's private key.
    AaCompromise,
}

impl RevocationReason {
    const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The number that goes into the request.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// The reason of this number (RFC 5280, section 5.3.1); `None`: there is none for a whole revocation.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The name in RFC 5280.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RevocationReason {
    type Err = Error;

    fn from_str(reason: &str) -> Result<Self> {
        parse_revocation_reason(reason)
    }
}

/// Reads a reason by its name in RFC 5280, section 5.3.1, whatever its case; the empty string is
/// [`Unspecified`](RevocationReason::Unspecified).
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: no such reason; the message names them all.
///
/// ```
/// use certstore_layers::caching::{RevocationReason, parse_revocation_reason};
/// let reason = parse_revocation_reason("keyCompromise")?;
/// assert_eq!((reason, reason.code()), (RevocationReason::KeyCompromise, 1));
/// # Ok::<(), certstore_core::Error>(())
/// ```
pub fn parse_revocation_reason(reason: &str) -> Result<RevocationReason> {
    if reason.is_empty() {
        return Ok(RevocationReason::Unspecified);
    }
    let known = RevocationReason::ALL;
    let found = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(reason));
    found.ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|known| known.as_str()).collect();
        let shown: String = reason.chars().take(80).flat_map(char::escape_debug).collect();
        let message = format!("no reason for a revocation; use one of {}", names.join(", "));
        Error::new(ErrorKind::InvalidConfig, message).with_subject(shown)
    })
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
