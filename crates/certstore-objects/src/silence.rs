//! Requests that got no answer, or half of one.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use certstore_core::{Error, ErrorKind};

/// What a request was for: a write that failed may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Read,
    /// It writes or deletes.
    Write,
}

/// Why there is no answer, what to do about it, and whether the server may have had the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    kind: ErrorKind,
    message: &'static str,
    sent: bool,
}

impl Silence {
    /// The request was never sent, for a reason that is the backend's to tell.
    #[must_use]
    pub const fn unsent(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, message, sent: false }
    }

    /// The request could not even be made.
    #[must_use]
    pub const fn unmade() -> Self {
        Self::unsent(ErrorKind::Other, "the request could not be made")
    }

    /// The server took too long.
    #[must_use]
    pub const fn late(sent: bool) -> Self {
        let message = "the server did not answer in time; retry";
        Self { kind: ErrorKind::Unavailable, message, sent }
    }

    /// The connection broke.
    #[must_use]
    pub const fn broken(sent: bool) -> Self {
        Self { kind: ErrorKind::Unavailable, message: "the connection broke; retry", sent }
    }

    /// There is an answer that is none.
    #[must_use]
    pub const fn senseless() -> Self {
        let message =
            "the server's answer was cut short or makes no sense; retry, and check endpoint";
        Self { kind: ErrorKind::Unavailable, message, sent: true }
    }

    /// Why there is no connection, if an error or its causes tell: nothing listens, no such name, or a certificate that is
    /// not trusted, of which a backend says what to do (`untrusted`).
    #[must_use]
    pub fn unconnected(error: &(dyn StdError + 'static), untrusted: &'static str) -> Option<Self> {
        causes(error).find_map(|cause| {
            if let Some(cause) = cause.downcast_ref::<io::Error>()
                && cause.kind() == io::ErrorKind::ConnectionRefused
            {
                let message =
                    "nothing listens at the endpoint; start the server, or correct endpoint";
                return Some(Self::unsent(ErrorKind::Unavailable, message));
            }
            // Drivers hide these behind types of their own.
            let text = cause.to_string();
            if text.contains("dns error") || text.contains("failed to lookup address") {
                let message =
                    "the endpoint's name is not found; check endpoint and the name server";
                return Some(Self::unsent(ErrorKind::Unavailable, message));
            }
            text.contains("invalid peer certificate")
                .then_some(Self::unsent(ErrorKind::InvalidConfig, untrusted))
        })
    }

    /// The error, with the words of its cause.
    #[must_use]
    pub fn error(
        self,
        backend: &'static str,
        access: Access,
        cause: &(dyn StdError + 'static),
    ) -> Error {
        Error::new(self.kind, self.message)
            .with_backend(backend)
            .with_may_have_applied(self.sent && access == Access::Write)
            .with_source(Cause::of(cause))
    }
}

/// The error of a call that went on for longer than it may.
#[must_use]
pub fn too_late(backend: &'static str, limit: Duration, access: Access) -> Error {
    let message = format!("the server did not answer within {} ms; retry", limit.as_millis());
    Error::new(ErrorKind::Unavailable, message)
        .with_backend(backend)
        .with_may_have_applied(access == Access::Write)
}

/// The error of a value that ended early.
#[must_use]
pub fn cut_short(backend: &'static str, cause: &(dyn StdError + 'static)) -> Error {
    Error::new(ErrorKind::Unavailable, "the value was cut short on its way; retry")
        .with_backend(backend)
        .with_source(Cause::of(cause))
}

/// An error, its source, that one's source, and so on.
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The words of a driver's error and its causes, as text: its own types print more than people should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    /// The words, each once, without control characters and none without an end.
    #[must_use]
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut words: Vec<String> = Vec::new();
        for cause in causes(error) {
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

#[cfg(test)]
#[path = "silence_tests.rs"]
mod tests;
