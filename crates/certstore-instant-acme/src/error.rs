//! What can go wrong between a storage and a CA.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use certstore_core::ErrorKind;
use instant_acme::Problem;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. `Display` is one line and does not repeat the source; no variant holds a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed, a name gives no key, or the lock was lost. An order that was made by then is stored, or forgotten
    /// where the storage took nothing any more.
    Storage(certstore_core::Error),
    /// The CA refused a step, and said why.
    Refused {
        /// What it was asked to do.
        step: &'static str,
        /// Its answer.
        problem: Box<Problem>,
        /// When it wants to be asked again (`Retry-After`; RFC 8555, section 6.6), where it said so.
        retry_after: Option<Duration>,
    },
    /// The CA could not be reached, or answered what ACME does not know.
    Unanswered {
        /// What it was asked to do.
        step: &'static str,
        /// What instant-acme says.
        source: Box<instant_acme::Error>,
    },
    /// The CA took longer than it may. An order that was made is stored, and the next call resumes it.
    TimedOut {
        /// What it was asked to do.
        step: &'static str,
    },
    /// The CA ended the order: it did not find that the names are ours. The next call makes a new one.
    Rejected {
        /// The names of the certificate.
        names: String,
    },
    /// The CA does not offer a challenge that the responder answers.
    NoChallenge {
        /// The name it is about.
        identifier: String,
    },
    /// No challenge is answered here for a name: nothing was ordered.
    NoResponder {
        /// The name, a wildcard as `*.example.com`.
        identifier: String,
    },
    /// The responder could not put the answer to a challenge where the CA looks.
    Responder {
        /// The name it is about.
        identifier: String,
        /// What the responder says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A key or certificate is of no use.
    Unusable {
        /// What is wrong with it.
        message: &'static str,
        /// The cause, where there is one.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
}

impl Error {
    pub(crate) fn of_ca(step: &'static str, error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => {
                Self::Refused { step, problem: Box::new(problem), retry_after: None }
            }
            instant_acme::Error::Timeout(_) => Self::TimedOut { step },
            other => Self::Unanswered { step, source: Box::new(other) },
        }
    }

    /// With when the CA wants to be asked again.
    pub(crate) fn retry(self, after: Option<Duration>) -> Self {
        match self {
            Self::Refused { step, problem, .. } => {
                Self::Refused { step, problem, retry_after: after }
            }
            other => other,
        }
    }

    pub(crate) fn unusable(
        message: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Unusable { message, source: Some(source.into()) }
    }

    /// Whether the same call may well succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Storage(error) => {
                let again = [ErrorKind::LockLost, ErrorKind::Fenced, ErrorKind::Conflict];
                error.is_retryable() || again.contains(&error.kind())
            }
            Self::Refused { problem, .. } => {
                matches!(acme_type(problem), "rateLimited" | "badNonce" | "serverInternal")
                    || problem.status.is_some_and(|status| status == 429 || status >= 500)
            }
            Self::Unanswered { .. } | Self::TimedOut { .. } => true,
            Self::Rejected { .. }
            | Self::NoChallenge { .. }
            | Self::NoResponder { .. }
            | Self::Responder { .. }
            | Self::Unusable { .. } => false,
        }
    }

    /// What the CA said, where it refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// How long the CA wants to be left alone, where it refused and said so: asked before, it refuses again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the CA has revoked the certificate before.
    pub(crate) fn is_already_revoked(&self) -> bool {
        self.problem().is_some_and(|problem| acme_type(problem) == "alreadyRevoked")
    }

    /// Whether the CA takes only accounts that are bound to a customer's.
    pub(crate) fn wants_external_account(&self) -> bool {
        self.problem().is_some_and(|problem| acme_type(problem) == "externalAccountRequired")
    }

    /// Whether the CA may have refused an order for the certificate that it names to replace: that was replaced, is another
    /// account's, or is not found, which Pebble says as a fault of its own.
    pub(crate) fn may_be_about_replacement(&self) -> bool {
        // Who is overloaded, or says when to come again, is not asked at once.
        let busy = self.retry_after().is_some()
            || self.problem().is_some_and(|problem| problem.status == Some(503));
        !busy
            && self.problem().is_some_and(|problem| {
                let kinds = ["alreadyReplaced", "malformed", "unauthorized", "serverInternal"];
                kinds.contains(&acme_type(problem))
                    || matches!(problem.status, Some(404 | 409 | 500..=599))
            })
    }

    /// Whether the CA does not know the account.
    pub(crate) fn is_unknown_account(&self) -> bool {
        self.problem().is_some_and(|problem| acme_type(problem) == "accountDoesNotExist")
    }
}

/// The type of a problem without what all of ACME's have in common (RFC 8555, section 6.7).
fn acme_type(problem: &Problem) -> &str {
    let whole = problem.r#type.as_deref().unwrap_or_default();
    whole.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(whole)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Refused { step, .. } => write!(f, "the CA refuses to {step}"),
            Self::Unanswered { step, .. } => {
                write!(
                    f,
                    "cannot {step}: the CA is not reached, or answers what ACME does not know"
                )
            }
            Self::TimedOut { step } => write!(f, "the CA takes too long to {step}"),
            Self::Rejected { names } => write!(f, "the CA ended the order for {names}"),
            Self::NoChallenge { identifier } => {
                write!(
                    f,
                    "the CA does not offer for {identifier} a challenge that is answered here"
                )
            }
            Self::NoResponder { identifier } => {
                write!(
                    f,
                    "nothing was ordered for {identifier}: no challenge is answered here for it, "
                )?;
                f.write_str(match identifier.starts_with("*.") {
                    true => "as a wildcard needs DNS-01; set up a DNS provider",
                    false => "as all are disabled; leave one on",
                })
            }
            Self::Responder { identifier, .. } => {
                write!(f, "the challenge for {identifier} could not be answered")
            }
            Self::Unusable { message, .. } => f.write_str(message),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Storage(error) => error.source(),
            Self::Refused { problem, .. } => Some(&**problem),
            Self::Unanswered { source, .. } => Some(&**source),
            Self::Responder { source, .. } => Some(&**source),
            Self::Unusable { source, .. } => source.as_deref().map(|source| source as _),
            Self::TimedOut { .. }
            | Self::Rejected { .. }
            | Self::NoChallenge { .. }
            | Self::NoResponder { .. } => None,
        }
    }
}

impl From<certstore_core::Error> for Error {
    fn from(error: certstore_core::Error) -> Self {
        Self::Storage(error)
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
