//! Requests that got no answer, or half of one.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::SdkError;
use certstore_aws::{UNTRUSTED, Unanswered};
use certstore_core::Error;
use certstore_objects::silence::{self, Silence};

use crate::error::{Access, BACKEND};

/// The error of a request without an answer.
pub(crate) fn failure<E>(error: &SdkError<E, HttpResponse>, access: Access) -> Error
where
    E: StdError + 'static,
{
    let silence = match Unanswered::of(error) {
        Unanswered::Unsent(kind, message) => Silence::unsent(kind, message),
        Unanswered::Late { sent } => Silence::late(sent),
        Unanswered::Connection { sent } => {
            Silence::unconnected(error, UNTRUSTED).unwrap_or(Silence::broken(sent))
        }
        Unanswered::Senseless => Silence::senseless(),
    };
    silence.error(BACKEND, access, error)
}

/// The error of a call that went on for longer than it may.
pub(crate) fn too_late(limit: Duration, access: Access) -> Error {
    silence::too_late(BACKEND, limit, access)
}
