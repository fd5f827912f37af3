//! What the service's answers mean to a caller.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use certstore_aws::denied_action;
use certstore_core::{Dir, Error, ErrorKind, Key};
pub(crate) use certstore_objects::Access;

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "secretsmanager";

pub(crate) fn invalid_config(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

/// What a refused request tells, without the driver's types and without anything secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The service's name for the error; empty where there is none.
    pub(crate) code: String,
    /// The signature is for another region.
    pub(crate) wrong_region: bool,
    /// The signature's time is too far from the service's.
    pub(crate) wrong_time: bool,
    /// The action that the policy does not allow, as `secretsmanager:PutSecretValue`.
    pub(crate) action: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Answer {
    /// Of what the service said; `None` when it said nothing.
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<Self> {
        let SdkError::ServiceError(service) = error else { return None };
        let raw = service.raw();
        // The words themselves are not kept: they can hold the access key's id and what was signed.
        let words = service.err().message().unwrap_or_default();
        Some(Self {
            status: raw.status().as_u16(),
            code: service.err().code().unwrap_or_default().to_owned(),
            wrong_region: words.contains("scoped to a valid region"),
            wrong_time: words.starts_with("Signature expired")
                || words.starts_with("Signature not yet current"),
            action: denied_action(words),
            request_id: raw.headers().get("x-amzn-requestid").map(str::to_owned),
        })
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// No such secret, or no such version of it.
    pub(crate) fn is_missing(&self) -> bool {
        self.is("ResourceNotFoundException")
    }

    /// The secret is there already.
    pub(crate) fn is_existing(&self) -> bool {
        self.is("ResourceExistsException")
    }

    /// The secret's state does not allow it: mostly it is scheduled for deletion.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.is("InvalidRequestException")
    }

    /// The label is not on the version that was named.
    pub(crate) fn is_refused_move(&self) -> bool {
        self.is("InvalidParameterException")
    }

    /// Too many versions, or labels.
    pub(crate) fn is_limit(&self) -> bool {
        self.is("LimitExceededException")
    }

    /// Too many requests: nothing was done.
    pub(crate) fn is_throttled(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ThrottlingException"
                | "Throttling"
                | "ThrottledException"
                | "RequestLimitExceeded"
                | "RequestThrottled"
                | "RequestThrottledException"
                | "TooManyRequestsException"
        ) || self.status == 429
    }

    /// The service has failed, and does not say what it had done before.
    pub(crate) fn is_failure(&self) -> bool {
        self.status >= 500 && self.status != 501
    }
}

/// For people, as a source: the service's name for the error, status and request id.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clean =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(64).collect() };
        write!(f, "the service answered {}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", clean(&self.code))?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {})", clean(id)),
            None => Ok(()),
        }
    }
}

impl StdError for Answer {}

/// The error of a request that the service refused or could not do.
pub(crate) fn answered(answer: Answer, access: Access) -> Error {
    let (kind, message) = meaning(&answer);
    let message = match &answer.action {
        Some(action) if kind == ErrorKind::PermissionDenied => Cow::Owned(format!(
            "the service denies this to these credentials; allow {action} on the prefix, as the README lists"
        )),
        _ => Cow::Borrowed(message),
    };
    let unclear = access == Access::Write && answer.is_failure();
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(unclear)
        .with_source(answer)
}

/// Names the operation and the key in an error.
pub(crate) fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

pub(crate) fn on_dir<'a>(operation: &'static str, dir: &'a Dir) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_subject(dir.as_str()).with_backend(BACKEND)
}

/// What a condition that did not hold means to a caller.
pub(crate) fn conflict() -> Error {
    let message =
        "the value is not of that version any more, or there is one already; read it again";
    Error::new(ErrorKind::Conflict, message).with_backend(BACKEND)
}

fn meaning(answer: &Answer) -> (ErrorKind, &'static str) {
    use ErrorKind::{
        Conflict, InvalidConfig, NotFound, Other, PermissionDenied, TooLarge, Unavailable,
        Unsupported,
    };
    if answer.wrong_region {
        return (InvalidConfig, "the endpoint is of another region; correct region or endpoint");
    }
    if answer.wrong_time || answer.is("RequestExpired") {
        return (
            PermissionDenied,
            "this machine's clock is too far from the service's; set the clock",
        );
    }
    if answer.is_throttled() {
        return (Unavailable, "the service asks for fewer requests; retry later");
    }
    match answer.code.as_str() {
        "ResourceNotFoundException" => (NotFound, "no value is stored here"),
        "ResourceExistsException" => (Conflict, "there is a value already"),
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            (PermissionDenied, "the signature does not match: the secret access key is wrong")
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" => (
            PermissionDenied,
            "the service does not know this access key id, or the session token is wrong for it",
        ),
        "ExpiredTokenException" | "ExpiredToken" => {
            (PermissionDenied, "the temporary credentials have expired; get new ones")
        }
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => (
            PermissionDenied,
            "the service denies this to these credentials; allow the actions of secretsmanager that the README lists, \
             on the prefix",
        ),
        "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => (
            PermissionDenied,
            "the service does not accept the signature; look for a proxy between",
        ),
        "DecryptionFailure" | "EncryptionFailure" => (
            PermissionDenied,
            "the KMS key cannot be used; enable it, and allow kms:Decrypt and kms:GenerateDataKey, or correct kms_key_id",
        ),
        "LimitExceededException" => (
            Other,
            "a quota of Secrets Manager is used up: mostly 100 versions of a secret within 24 hours; write less often, or \
             lock through another backend: [storage.lock]",
        ),
        "InvalidRequestException" => (
            Other,
            "the secret's state does not allow this: it is scheduled for deletion, or another service's; look at it",
        ),
        "RequestEntityTooLarge" => (TooLarge, "the value is larger than the service allows"),
        "UnknownOperationException" => (Unsupported, "the service does not offer this request"),
        _ => by_status(answer.status),
    }
}

fn by_status(status: u16) -> (ErrorKind, &'static str) {
    match status {
        401 | 403 => (
            ErrorKind::PermissionDenied,
            "the service denies this: the credentials are wrong, or lack rights of secretsmanager",
        ),
        404 | 405 | 501 => (
            ErrorKind::InvalidConfig,
            "what answers at the endpoint is not Secrets Manager; correct endpoint",
        ),
        408 => (ErrorKind::Unavailable, "the service got the request too slowly; retry"),
        413 => (ErrorKind::TooLarge, "the value is larger than the service allows"),
        500..=599 => (ErrorKind::Unavailable, "the service has failed; retry"),
        _ => (ErrorKind::Other, "the service refuses the request"),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
