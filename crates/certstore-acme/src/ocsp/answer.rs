//! What a CA has said of a certificate.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::RevocationReason;

/// What a CA says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OcspStatus {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked {
        /// Since when.
        since: SystemTime,
        /// Why, where the CA says it.
        reason: Option<RevocationReason>,
    },
    /// The CA does not know it.
    Unknown,
}

/// A CA's answer about a certificate, whose signature was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct OcspAnswer {
    pub(super) der: Bytes,
    pub(super) status: OcspStatus,
    pub(super) this_update: SystemTime,
    pub(super) next_update: SystemTime,
}

impl OcspAnswer {
    /// What it says.
    #[must_use]
    pub fn status(&self) -> OcspStatus {
        self.status
    }

    /// Since when it is known to be so.
    #[must_use]
    pub fn this_update(&self) -> SystemTime {
        self.this_update
    }

    /// Until when it counts: by then there is a newer one.
    #[must_use]
    pub fn next_update(&self) -> SystemTime {
        self.next_update
    }

    /// The whole answer as the CA has signed it, in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether clients still take it.
    #[must_use]
    pub fn counts(&self, now: SystemTime) -> bool {
        now < self.next_update
    }

    /// From when on a newer one is asked for: half of its time.
    #[must_use]
    pub fn due(&self) -> SystemTime {
        let lifetime = self.next_update.duration_since(self.this_update);
        self.this_update + lifetime.unwrap_or(Duration::ZERO) / 2
    }
}

impl fmt::Debug for OcspAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OcspAnswer")
            .field("status", &self.status)
            .field("this_update", &self.this_update)
            .field("next_update", &self.next_update)
            .finish_non_exhaustive()
    }
}
