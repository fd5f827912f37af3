//! Requests that got no answer, or half of one.

use certstore_core::{Error, ErrorKind};
use certstore_objects::silence::{Access, Silence, causes};
use google_cloud_gax::error::{CredentialsError, Error as Failed};

use crate::error::BACKEND;

const UNTRUSTED: &str = "the server's certificate is not trusted by this system; correct endpoint, or add its authority";

const UNREACHED: Silence =
    Silence::unsent(ErrorKind::Unavailable, "no connection is had to the server; retry");

/// The error of a request without an answer.
pub(crate) fn failure(error: &Failed, access: Access) -> Error {
    if error.is_authentication() {
        return credentials(error);
    }
    let silence = if error.is_connect() || error.is_transient_and_before_rpc() {
        Silence::unconnected(error, UNTRUSTED).unwrap_or(UNREACHED)
    } else if error.is_timeout() {
        Silence::late(true)
    } else if error.is_io() || error.is_transport() {
        Silence::broken(true)
    } else if error.is_deserialization() {
        Silence::senseless()
    } else {
        Silence::unmade()
    };
    silence.error(BACKEND, access, error)
}

/// Nothing was sent, as there was no token to send.
fn credentials(error: &Failed) -> Error {
    let cause = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>());
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
