//! What a manager tells of its work.

use std::time::Duration;

use crate::{Certificate, Error, RevocationReason};

/// Something that happened to a certificate. Handlers are called where it happens: they return quickly.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A certificate is about to be obtained: from a CA, or from whichever node has the lock of its name.
    Obtaining {
        /// Its name.
        subject: &'a str,
        /// Whether one was there before.
        renewal: bool,
    },
    /// A certificate was obtained, by this node or another, and is served.
    Obtained {
        /// The certificate.
        certificate: &'a Certificate,
        /// Whether one was there before.
        renewal: bool,
    },
    /// No certificate was obtained; what was served before goes on being served.
    Failed {
        /// Its name.
        subject: &'a str,
        /// Why.
        error: &'a Error,
        /// When it is tried again; `None`: it is not.
        retry_after: Option<Duration>,
    },
    /// A certificate that is renewed is served from now on.
    CachedManaged {
        /// The certificate.
        certificate: &'a Certificate,
    },
    /// A certificate that nobody renews is served from now on.
    CachedUnmanaged {
        /// The certificate.
        certificate: &'a Certificate,
    },
    /// The CA says by OCSP that it has revoked a certificate. Another one is obtained in its place, if it is managed.
    OcspRevoked {
        /// The certificate, with the answer.
        certificate: &'a Certificate,
    },
    /// The certificate for a name was revoked and deleted, and the name is managed no more.
    Revoked {
        /// Its name.
        subject: &'a str,
        /// Why.
        reason: RevocationReason,
    },
}
