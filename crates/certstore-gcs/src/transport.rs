//! Requests that got no answer, or half of one.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use certstore_core::{Error, ErrorKind};
use google_cloud_gax::error::{CredentialsError, Error as Failed};

use crate::error::{Access, BACKEND};

/// The error of a request without an answer.
pub(crate) fn failure(error: &Failed, access: Access) -> Error {
    if error.is_authentication() {
        return credentials(error);
    }
    let (kind, message, sent) = if error.is_connect() || error.is_transient_and_before_rpc() {
        let (kind, message) = unconnected(error);
        (kind, message, false)
    } else if error.is_timeout() {
        (ErrorKind::Unavailable, "the server did not answer in time; retry", true)
    } else if error.is_io() || error.is_transport() {
        (ErrorKind::Unavailable, "the connection broke; retry", true)
    } else if error.is_deserialization() {
        let message =
            "the server's answer was cut short or makes no sense; retry, and check endpoint";
        (ErrorKind::Unavailable, message, true)
    } else {
        (ErrorKind::Other, "the request could not be made", false)
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

/// The error of a value that ended early.
pub(crate) fn cut_short(cause: &(dyn StdError + 'static)) -> Error {
    Error::new(ErrorKind::Unavailable, "the value was cut short on its way; retry")
        .with_backend(BACKEND)
        .with_source(Cause::of(cause))
}

/// Nothing was sent, as there was no token to send.
fn credentials(error: &Failed) -> Error {
    let cause = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>());
    no_token(cause.is_some_and(CredentialsError::is_transient))
}

/// There is no token to send; `passing`: there may be one later. The cause stays out of the error: it may show parts of a
/// key or of a token.
pub(crate) fn no_token(passing: bool) -> Error {
    let (kind, message) = if passing {
        (
            ErrorKind::Unavailable,
            "the service that gives out the credentials does not answer; retry, or set credentials_file, access_token or \
             GOOGLE_APPLICATION_CREDENTIALS",
        )
    } else {
        (
            ErrorKind::PermissionDenied,
            "no token is given for these credentials: they are wrong, revoked, or not those of this service",
        )
    };
    Error::new(kind, message).with_backend(BACKEND)
}

fn unconnected(error: &Failed) -> (ErrorKind, &'static str) {
    for cause in chain(error) {
        if let Some(cause) = cause.downcast_ref::<io::Error>()
            && cause.kind() == io::ErrorKind::ConnectionRefused
        {
            let message = "nothing listens at the endpoint; start the server, or correct endpoint";
            return (ErrorKind::Unavailable, message);
        }
        let text = cause.to_string();
        if text.contains("dns error") || text.contains("failed to lookup address") {
            let message = "the endpoint's name is not found; check endpoint and the name server";
            return (ErrorKind::Unavailable, message);
        }
        if text.contains("invalid peer certificate") {
            let message = "the server's certificate is not trusted by this system; correct endpoint, or add its authority";
            return (ErrorKind::InvalidConfig, message);
        }
    }
    (ErrorKind::Unavailable, "no connection is had to the server; retry")
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
