//! Requests that got no answer, or half of one.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use certstore_aws::{UNTRUSTED, Unanswered};
use certstore_core::Error;
use certstore_objects::silence::{Access, Silence};

use crate::error::BACKEND;

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
