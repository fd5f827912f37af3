//! Requests that the service has not answered.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use certstore_core::ErrorKind;

/// What to do about a certificate that is not trusted.
pub const UNTRUSTED: &str =
    "the server's certificate is not trusted; set ca_cert, or correct endpoint";

/// What became of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// It was not sent: mostly, there are no credentials. What that is, and what to do.
    Unsent(ErrorKind, &'static str),
    /// There was no time left; `sent`: it may have been sent before.
    Late {
        /// Whether the service may have had it.
        sent: bool,
    },
    /// There is no connection, or it broke; the causes may tell why.
    Connection {
        /// Whether the service may have had it.
        sent: bool,
    },
    /// There is an answer that is none.
    Senseless,
}

impl Unanswered {
    /// Of a request that failed without an answer of the service.
    #[must_use]
    pub fn of<E: StdError + 'static>(error: &SdkError<E, HttpResponse>) -> Self {
        match error {
            SdkError::ConstructionFailure(_) => credentials(error)
                .unwrap_or(Self::Unsent(ErrorKind::Other, "the request could not be made")),
            SdkError::TimeoutError(_) => Self::Late { sent: true },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                // Only connecting has a time-out of its own; it says so.
                Self::Late { sent: !any_cause_says(error, "connect") }
            }
            SdkError::DispatchFailure(_) => credentials(error).unwrap_or_else(|| {
                Self::Connection { sent: !any_cause_says(error, "connect error") }
            }),
            _ => Self::Senseless,
        }
    }
}

/// What became of the search for credentials, if that is what failed.
fn credentials(error: &(dyn StdError + 'static)) -> Option<Unanswered> {
    let failed = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let (kind, message) = match failed {
        CredentialsError::CredentialsNotLoaded(_) => (
            ErrorKind::InvalidConfig,
            "no credentials are found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or access_key_id and \
             secret_access_key",
        ),
        CredentialsError::InvalidConfiguration(_) => (
            ErrorKind::InvalidConfig,
            "the AWS configuration that names the credentials is wrong; correct the profile",
        ),
        _ => (
            ErrorKind::Unavailable,
            "the service that gives out the credentials does not answer; retry, or give them in another way",
        ),
    };
    Some(Unanswered::Unsent(kind, message))
}

fn any_cause_says(error: &(dyn StdError + 'static), words: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(words))
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

#[cfg(test)]
#[path = "unanswered_tests.rs"]
mod tests;
