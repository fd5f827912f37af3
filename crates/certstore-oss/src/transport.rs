//! Requests that got no answer, or half of one.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use certstore_core::{Error, ErrorKind};

use crate::error::{Access, BACKEND};

/// The error of a request without an answer.
pub(crate) fn failure(error: reqwest::Error, access: Access) -> Error {
    // The address says nothing that the configuration does not, and makes long lines.
    let error = error.without_url();
    let (kind, message, sent) = if error.is_connect() {
        connection(&error)
    } else if error.is_timeout() {
        (ErrorKind::Unavailable, "the server did not answer in time; retry", true)
    } else if error.is_builder() {
        (ErrorKind::Other, "the request could not be made", false)
    } else {
        (ErrorKind::Unavailable, "the connection broke; retry", true)
    };
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(sent && access == Access::Write)
        .with_source(Cause::of(&error))
}

/// The error of a body that ended early.
pub(crate) fn cut_short(error: reqwest::Error, access: Access) -> Error {
    Error::new(ErrorKind::Unavailable, "the answer was cut short on its way; retry")
        .with_backend(BACKEND)
        .with_may_have_applied(access == Access::Write)
        .with_source(Cause::of(&error.without_url()))
}

/// The error of a call that went on for longer than it may.
pub(crate) fn too_late(limit: Duration, access: Access) -> Error {
    let message = format!("the server did not answer within {} ms; retry", limit.as_millis());
    Error::new(ErrorKind::Unavailable, message)
        .with_backend(BACKEND)
        .with_may_have_applied(access == Access::Write)
}

type Meaning = (ErrorKind, &'static str, bool);

/// Nothing was sent: there was no connection.
fn connection(error: &(dyn StdError + 'static)) -> Meaning {
    for cause in chain(error) {
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
    (ErrorKind::Unavailable, "no connection to the server could be made; retry", false)
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

/// The words of the HTTP client's error and its causes, as text: its own types are no part of this crate's.
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
