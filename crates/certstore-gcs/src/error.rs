//! What the service's answers mean to a caller.

use std::borrow::Cow;
use std::error::Error as StdError;

use certstore_core::{Dir, Error, ErrorKind, Key};
use certstore_objects::Access;
use google_cloud_gax::error::Error as Failed;

use crate::answer::Answer;
use crate::transport;

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "gcs";

pub(crate) fn invalid_config(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

/// The one mapping of the driver's errors to this project's.
pub(crate) fn failed(error: &Failed, access: Access) -> Error {
    match Answer::of(error) {
        Some(answer) => answered(answer, access),
        None => transport::failure(error, access),
    }
}

/// The error of a request that the service refused or could not do.
pub(crate) fn answered(answer: Answer, access: Access) -> Error {
    let (kind, message) = meaning(&answer);
    let message = match &answer.permission {
        Some(permission) => Cow::Owned(format!(
            "the server denies this to these credentials; allow {permission} on the bucket (role Storage Object User); a \
             retention policy or a hold denies deleting and overwriting, too"
        )),
        None => Cow::Borrowed(message),
    };
    // A server that fails does not say what it had done before.
    let unclear = access == Access::Write && matches!(answer.status, 408 | 499 | 500 | 502..=599);
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(unclear)
        .with_source(answer)
}

/// The service's answer in an error.
pub(crate) fn answer_in(error: &Error) -> Option<&Answer> {
    StdError::source(error).and_then(|source| source.downcast_ref())
}

/// Names the operation and the key in an error.
pub(crate) fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

pub(crate) fn on_dir<'a>(operation: &'static str, dir: &'a Dir) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_subject(dir.as_str()).with_backend(BACKEND)
}

/// What a condition that did not hold means to a caller.
pub(crate) fn said_no(answer: Answer) -> Error {
    let message =
        "the value is not of that version any more, or there is one already; read it again";
    Error::new(ErrorKind::Conflict, message).with_source(answer)
}

fn meaning(answer: &Answer) -> (ErrorKind, &'static str) {
    match answer.status {
        400 => {
            (ErrorKind::Other, "the server finds the request malformed; check endpoint and bucket")
        }
        401 => (
            ErrorKind::PermissionDenied,
            "the server does not take these credentials: they are missing, wrong or have expired",
        ),
        403 => (
            ErrorKind::PermissionDenied,
            "the server denies this to these credentials; allow storage.objects.get, storage.objects.create, \
             storage.objects.delete and storage.objects.list on the bucket (role Storage Object User); a retention policy or a hold denies deleting and overwriting, too",
        ),
        404 if answer.no_bucket => {
            (ErrorKind::InvalidConfig, "there is no such bucket; create it, or correct bucket")
        }
        404 => (ErrorKind::NotFound, "no value is stored here"),
        // https://cloud.google.com/storage/docs/json_api/v1/status-codes#409-conflict
        409 => (ErrorKind::Unavailable, "another change of this object was under way; retry"),
        412 => (ErrorKind::Conflict, "the object is not of that version any more"),
        413 => (ErrorKind::TooLarge, "the value is larger than the server allows"),
        408 | 499 | 504 => (ErrorKind::Unavailable, "the server did not answer in time; retry"),
        429 => (
            ErrorKind::Unavailable,
            "the server asks for fewer requests, or for fewer writes of this object than one a second; retry later",
        ),
        501 => (ErrorKind::Unsupported, "the server does not offer this request"),
        500..=599 => (ErrorKind::Unavailable, "the server has failed; retry"),
        _ => (ErrorKind::Other, "the server refuses the request"),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
