//! Requests that got no answer, or half of one.

use certstore_core::{Error, ErrorKind};
use certstore_objects::silence::{Access, Cause, Silence};

use crate::error::BACKEND;

const UNTRUSTED: &str = "the server's certificate is not trusted; set ca_cert, or correct endpoint";

const UNREACHED: Silence =
    Silence::unsent(ErrorKind::Unavailable, "no connection to the server could be made; retry");

/// The error of a request without an answer.
pub(crate) fn failure(error: reqwest::Error, access: Access) -> Error {
    // The address says nothing that the configuration does not, and makes long lines.
    let error = error.without_url();
    let silence = if error.is_connect() {
        Silence::unconnected(&error, UNTRUSTED).unwrap_or(UNREACHED)
    } else if error.is_timeout() {
        Silence::late(true)
    } else if error.is_builder() {
        Silence::unmade()
    } else {
        Silence::broken(true)
    };
    silence.error(BACKEND, access, &error)
}

/// The error of a body that ended early.
pub(crate) fn cut_short(error: reqwest::Error, access: Access) -> Error {
    Error::new(ErrorKind::Unavailable, "the answer was cut short on its way; retry")
        .with_backend(BACKEND)
        .with_may_have_applied(access == Access::Write)
        .with_source(Cause::of(&error.without_url()))
}
