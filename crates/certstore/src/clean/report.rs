//! What a cleaning tells.

use certstore_core::Key;
use serde::Serialize;

/// What a value is that a cleaning looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CleanKind {
    /// A site's certificate, with its key and metadata.
    Certificate,
    /// An OCSP response.
    Staple,
    /// An ACME challenge that is being solved.
    ChallengeToken,
    /// An ACME order that is on its way, with the private key of its certificate.
    Order,
    /// A file that was never finished.
    Temporary,
    /// What CertMagic tries the storage with before it orders a certificate.
    HealthCheck,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CleanOutcome {
    /// It is gone.
    Removed,
    /// A dry run would have removed it.
    WouldRemove,
    /// It was to go, and was renewed meanwhile: it stays.
    Renewed,
    /// Somebody holds its lock: it is left for the next time.
    Busy,
    /// It is not what its key says, so nobody knows what it is worth: it stays.
    Garbage,
    /// It should be gone, and is not; the detail says why.
    Failed,
}

/// A value that is not simply in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CleanFinding {
    /// Its key; for a site, the certificate's.
    pub key: String,
    /// What it is.
    pub kind: CleanKind,
    /// What became of it.
    pub outcome: CleanOutcome,
    /// Why, in one line.
    pub detail: String,
}

/// A cleaning that was not due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TurnTaken {
    /// When the storage was last cleaned, in RFC 3339.
    pub last: String,
    /// By whom; empty where that was not said.
    pub instance_id: String,
    /// Seconds until the next cleaning is due.
    pub due_in_seconds: u64,
}

/// What a cleaning did, in numbers; a site counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CleanReport {
    /// Why nothing was done; `None` when the storage was cleaned.
    pub skipped: Option<TurnTaken>,
    /// Values that were looked at.
    pub looked: u64,
    /// Sites whose certificate was removed.
    pub certificates: u64,
    /// OCSP staples that were removed.
    pub staples: u64,
    /// Challenge tokens that were removed.
    pub challenge_tokens: u64,
    /// Orders that were removed.
    pub orders: u64,
    /// Temporary files and health checks that were removed.
    pub temporary: u64,
    /// What was renewed meanwhile.
    pub renewed: u64,
    /// What was left, as its lock was taken.
    pub busy: u64,
    /// What is not what its key says.
    pub garbage: u64,
    /// What could not be removed.
    pub failed: u64,
    /// Whether nothing was written.
    pub dry_run: bool,
}

impl CleanReport {
    /// How many values, a site as one, were removed, or in a dry run would be.
    #[must_use]
    pub fn removed(&self) -> u64 {
        self.certificates + self.staples + self.challenge_tokens + self.orders + self.temporary
    }

    pub(super) fn count(&mut self, finding: &CleanFinding) {
        let counter = match finding.outcome {
            CleanOutcome::Removed | CleanOutcome::WouldRemove => match finding.kind {
                CleanKind::Certificate => &mut self.certificates,
                CleanKind::Staple => &mut self.staples,
                CleanKind::ChallengeToken => &mut self.challenge_tokens,
                CleanKind::Order => &mut self.orders,
                CleanKind::Temporary | CleanKind::HealthCheck => &mut self.temporary,
            },
            CleanOutcome::Renewed => &mut self.renewed,
            CleanOutcome::Busy => &mut self.busy,
            CleanOutcome::Garbage => &mut self.garbage,
            CleanOutcome::Failed => &mut self.failed,
        };
        *counter += 1;
    }
}

/// What was decided of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    InUse,
    Removed(String),
    WouldRemove(String),
    Renewed(String),
    Busy(String),
    Garbage(String),
    Failed(String),
}

impl CleanFinding {
    pub(super) fn of(key: &Key, kind: CleanKind, verdict: Verdict) -> Option<Self> {
        let (outcome, detail) = match verdict {
            Verdict::InUse => return None,
            Verdict::Removed(detail) => (CleanOutcome::Removed, detail),
            Verdict::WouldRemove(detail) => (CleanOutcome::WouldRemove, detail),
            Verdict::Renewed(detail) => (CleanOutcome::Renewed, detail),
            Verdict::Busy(detail) => (CleanOutcome::Busy, detail),
            Verdict::Garbage(detail) => (CleanOutcome::Garbage, detail),
            Verdict::Failed(detail) => (CleanOutcome::Failed, detail),
        };
        Some(Self { key: key.as_str().to_owned(), kind, outcome, detail })
    }
}
