//! What a store's answers mean to a caller.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use certstore_aws::denied_action;
use certstore_core::{Dir, Error, ErrorKind, Key};
use certstore_objects::Access;

use crate::transport;

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "s3";

pub(crate) fn invalid_config(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

/// What a failed request tells, without the driver's types and without anything secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status; `None` when there was no answer.
    pub(crate) status: Option<u16>,
    /// S3's error code; a HEAD has none.
    pub(crate) code: Option<String>,
    /// The region that the server names, or the one that the bucket is in.
    pub(crate) region: Option<String>,
    /// The action that no policy allows, as `s3:GetObject`; not every store says it, and no HEAD.
    pub(crate) action: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Answer {
    /// Of what the server said; `None` when it said nothing.
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<Self> {
        let SdkError::ServiceError(service) = error else { return None };
        let raw = service.raw();
        let body = raw.body().bytes().unwrap_or_default();
        let region = raw.headers().get("x-amz-bucket-region").map(str::to_owned);
        Some(Self {
            status: Some(raw.status().as_u16()),
            code: service.err().code().map(str::to_owned).or_else(|| element(body, "Code")),
            region: region
                .or_else(|| element(body, "Region"))
                .or_else(|| expected_region(service.err().message()?))
                .filter(|region| is_plain(region)),
            action: service.err().message().and_then(denied_action),
            request_id: raw.headers().get("x-amz-request-id").map(str::to_owned),
        })
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// No such object. A HEAD cannot tell it from a missing bucket.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == Some(404) && !self.is("NoSuchBucket")
    }

    /// A refusal that could have several reasons and names none, as each to a HEAD.
    pub(crate) fn is_unexplained(&self) -> bool {
        self.code.is_none() && self.region.is_none() && matches!(self.status, Some(400 | 401 | 403))
    }

    /// The condition did not hold.
    pub(crate) fn is_precondition(&self) -> bool {
        self.status == Some(412)
    }

    /// Another conditional write was under way: nothing is said about who won.
    pub(crate) fn is_conditional_conflict(&self) -> bool {
        self.status == Some(409)
    }

    /// The server has batches of deletes in a way of its own, such as with an MD5, or not at all. A code that is known
    /// says something else.
    pub(crate) fn refuses_batches(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        let known = is_region_code(code) || by_code(code).is_some();
        self.is_unknown_request()
            || self.status == Some(411)
            || (self.status == Some(400) && !known)
    }

    /// The request is one that this server does not know.
    pub(crate) fn is_unknown_request(&self) -> bool {
        matches!(self.status, Some(501 | 405)) || self.is("NotImplemented")
    }
}

/// For people, as a source: S3's code, status and request id. The server's own words are left out, as they can
/// hold the access key's id and what was signed.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clean =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(64).collect() };
        f.write_str("the server answered")?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        if let Some(code) = &self.code {
            write!(f, " {}", clean(code))?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {})", clean(id)),
            None => Ok(()),
        }
    }
}

impl StdError for Answer {}

/// The one mapping of the driver's errors to this project's.
pub(crate) fn sdk_error<E>(error: &SdkError<E, HttpResponse>, access: Access) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    match Answer::of(error) {
        Some(answer) => answered(answer, access),
        None => transport::failure(error, access),
    }
}

/// The error of a request that the server refused or could not do.
pub(crate) fn answered(answer: Answer, access: Access) -> Error {
    let (kind, message) = meaning(&answer, access);
    // A server that fails does not say what it had done before.
    let unclear = access == Access::Write
        && answer.status.is_some_and(|status| status >= 500 && status != 501);
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

/// What a condition that did not hold, or a request that the server does not know, means to a caller.
pub(crate) fn said_no(answer: Answer) -> Error {
    if answer.is_unknown_request() {
        return answered(answer, Access::Write);
    }
    let message =
        "the value is not of that version any more, or there is one already; read it again";
    Error::new(ErrorKind::Conflict, message).with_source(answer)
}

fn meaning(answer: &Answer, access: Access) -> (ErrorKind, Cow<'static, str>) {
    let code = answer.code.as_deref().unwrap_or_default();
    match code {
        "AccessDenied" => (ErrorKind::PermissionDenied, denied(answer, access)),
        code if is_region_code(code) => (ErrorKind::InvalidConfig, wrong_region(answer)),
        "TemporaryRedirect" => (
            ErrorKind::Unavailable,
            "the bucket was made a moment ago and is not known everywhere; try again".into(),
        ),
        _ => by_code(code)
            .map(|(kind, message)| (kind, message.into()))
            .unwrap_or_else(|| by_status(answer, access)),
    }
}

/// What is to be allowed: what the server names, else what such a request can lack. A read of what is not there lacks the
/// right to list, by which it would be told so.
fn denied(answer: &Answer, access: Access) -> Cow<'static, str> {
    if let Some(action) = &answer.action {
        return format!(
            "the server denies this to these credentials; allow {action} on the bucket and prefix"
        )
        .into();
    }
    let message = match access {
        Access::Read => {
            "the server denies this: the credentials are wrong, or lack s3:GetObject or s3:ListBucket"
        }
        Access::Write => {
            "the server denies this: the credentials are wrong, or lack s3:PutObject or s3:DeleteObject"
        }
    };
    message.into()
}

fn is_region_code(code: &str) -> bool {
    matches!(
        code,
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
    )
}

fn wrong_region(answer: &Answer) -> Cow<'static, str> {
    match &answer.region {
        Some(region) => format!("the bucket is in another region; set region to {region}").into(),
        None => "the bucket is in another region, or behind another endpoint; correct region or endpoint".into(),
    }
}

fn by_code(code: &str) -> Option<(ErrorKind, &'static str)> {
    use ErrorKind::{
        Corrupt, InvalidConfig, InvalidKey, NotFound, PermissionDenied, TooLarge, Unavailable,
        Unsupported,
    };
    Some(match code {
        "NoSuchBucket" => (InvalidConfig, "there is no such bucket; create it, or correct bucket"),
        "InvalidBucketName" => (InvalidConfig, "no bucket can have this name; correct bucket"),
        "NoSuchKey" | "NotFound" => (NotFound, "no value is stored here"),
        "SignatureDoesNotMatch" => {
            (PermissionDenied, "the signature does not match: the secret access key is wrong")
        }
        "InvalidAccessKeyId" => (PermissionDenied, "the server does not know this access key id"),
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            (PermissionDenied, "the temporary credentials have expired; get new ones")
        }
        "InvalidToken" => (PermissionDenied, "the session token is wrong for these credentials"),
        "RequestTimeTooSkewed" => {
            (PermissionDenied, "this machine's clock is too far from the server's; set the clock")
        }
        "AllAccessDisabled" | "AccountProblem" | "UnauthorizedAccess" => (
            PermissionDenied,
            "the server denies everything to these credentials; look at the account",
        ),
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "RequestLimitExceeded" => {
            (Unavailable, "the server asks for fewer requests; retry later")
        }
        "QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull" | "InsufficientCapacity" => {
            (Unavailable, "the server has no space left or a quota is used up; free some and retry")
        }
        "InternalError" => (Unavailable, "the server has failed; retry"),
        "ServiceUnavailable" => (Unavailable, "the server asks for fewer requests; retry later"),
        "RequestTimeout" => (Unavailable, "the server got the request too slowly; retry"),
        "OperationAborted" | "ConditionalRequestConflict" => {
            (Unavailable, "another write of this object was under way; retry")
        }
        "EntityTooLarge" => (TooLarge, "the value is larger than the server allows"),
        "KeyTooLongError" => (InvalidKey, "the key with the prefix is too long for the server"),
        "InvalidObjectState" => (
            Unavailable,
            "the object is in an archive class; restore it, and keep this prefix out of archiving",
        ),
        "BadDigest" | "XAmzContentSHA256Mismatch" => {
            (Corrupt, "what arrived at the server is not what was sent; look for a proxy between")
        }
        "NotImplemented" => (Unsupported, "the server does not offer this request"),
        _ => return None,
    })
}

fn by_status(answer: &Answer, access: Access) -> (ErrorKind, Cow<'static, str>) {
    let (kind, message): (_, &'static str) = match answer.status.unwrap_or_default() {
        301 | 307 | 308 => return (ErrorKind::InvalidConfig, wrong_region(answer)),
        // A HEAD has no body, so the region in its header is all that a wrong one shows.
        400 if answer.region.is_some() => return (ErrorKind::InvalidConfig, wrong_region(answer)),
        400 if answer.code.is_none() && access == Access::Read => (
            ErrorKind::PermissionDenied,
            "the server refuses the request without saying why; mostly, the temporary credentials have expired",
        ),
        401 | 403 => return (ErrorKind::PermissionDenied, denied(answer, access)),
        404 => (ErrorKind::NotFound, "no value is stored here"),
        405 | 501 => (ErrorKind::Unsupported, "the server does not offer this request"),
        408 => (ErrorKind::Unavailable, "the server got the request too slowly; retry"),
        409 => (ErrorKind::Unavailable, "another write of this object was under way; retry"),
        412 => (ErrorKind::Conflict, "the object is not of that version any more"),
        413 => (ErrorKind::TooLarge, "the value is larger than the server allows"),
        429 | 503 => (ErrorKind::Unavailable, "the server asks for fewer requests; retry later"),
        507 => (ErrorKind::Unavailable, "the server has no space left; free some and retry"),
        500..=599 => (ErrorKind::Unavailable, "the server has failed; retry"),
        _ => (ErrorKind::Other, "the server refuses the request"),
    };
    (kind, message.into())
}

/// The text of the first element of this name in a body.
fn element(body: &[u8], name: &str) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text.to_owned())
}

/// The region in a message like "the region 'a' is wrong; expecting 'b'", for servers that tell it nowhere else.
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting '")?;
    rest.split_once('\'').map(|(region, _)| region.to_owned())
}

/// What a region's name, which goes into a message, may look like.
fn is_plain(region: &str) -> bool {
    (1..=40).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
