//! Requests that got no answer, or half of one.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::SdkError;
use certstore_core::{Error, ErrorKind};

use crate::error::{Access, BACKEND};

/// The error of a request without an answer.
pub(crate) fn failure<E>(error: &SdkError<E, HttpResponse>, access: Access) -> Error
where
    E: StdError + 'static,
{
    let (kind, message, sent) = match error {
        SdkError::ConstructionFailure(_) => credentials(error),
        SdkError::TimeoutError(_) => {
            (ErrorKind::Unavailable, "the server did not answer in time; retry", true)
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            // Only connecting has a time-out of its own; it says so.
            let connecting = chain(error).any(|cause| cause.to_string().contains("connect"));
            (ErrorKind::Unavailable, "the server did not answer in time; retry", !connecting)
        }
        SdkError::DispatchFailure(_) => connection(error),
        _ => (
            ErrorKind::Unavailable,
            "the server's answer was cut short or makes no sense; retry, and check endpoint",
            true,
        ),
    };
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(sent && access == Access::Write)
        .with_source(Cause::of(error))
}

/// The error of a call that went on for longer than it may.
pub(crate) fn too_late(limit: Duration, access: Access) -> Error {
    let message = format!("the server did not answer within {} ms; retry", limit.as_millis());
    Error::new(ErrorKind::Unavailable, message)
        .with_backend(BACKEND)
        .with_may_have_applied(access == Access::Write)
}

type Meaning = (ErrorKind, &'static str, bool);

fn credentials(error: &(dyn StdError + 'static)) -> Meaning {
    let found = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>());
    let (kind, message) = match found {
        Some(CredentialsError::CredentialsNotLoaded(_)) => (
            ErrorKind::InvalidConfig,
            "no credentials are found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or access_key_id and \
             secret_access_key",
        ),
        Some(CredentialsError::InvalidConfiguration(_)) => (
            ErrorKind::InvalidConfig,
            "the AWS configuration that names the credentials is wrong; correct the profile",
        ),
        Some(_) => (
            ErrorKind::Unavailable,
            "the service that gives out the credentials does not answer; retry, or give them in another way",
        ),
        None => (ErrorKind::Other, "the request could not be made"),
    };
    (kind, message, false)
}

fn connection(error: &(dyn StdError + 'static)) -> Meaning {
    let message = "the connection broke; retry";
    for cause in chain(error) {
        if cause.downcast_ref::<CredentialsError>().is_some() {
            return credentials(error);
        }
        if let Some(cause) = cause.downcast_ref::<io::Error>()
            && cause.kind() == io::ErrorKind::ConnectionRefused
        {
            let message = "nothing listens at the endpoint; start the server, or correct endpoint";
            return (ErrorKind::Unavailable, message, false);
        }
        let text = cause.to_string();
        if text.contains("dns error") || text.contains("failed to lookup address") {
            let message = "the endpoint's name is not found; check endpoint and the name server";
            return (ErrorKind::Unavailable, message, false);
        }
        if text.contains("invalid peer certificate") {
            let message =
                "the server's certificate is not trusted; set ca_cert, or correct endpoint";
            return (ErrorKind::InvalidConfig, message, false);
        }
    }
    let connecting = chain(error).any(|cause| cause.to_string().contains("connect error"));
    (ErrorKind::Unavailable, message, !connecting)
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source();
        Some(this)
    })
}

/// The words of a driver's error and its causes, as text: its own types print more than people should see.
#[derive(Debug)]
struct Cause(String);

impl Cause {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut words: Vec<String> = Vec::new();
        for cause in chain(error) {
            let text: String =
                cause.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
            if !words.contains(&text) {
                words.push(text);
            }
        }
        Self(words.join(": "))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}
