//! What the server's answers mean to a caller.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certstore_core::{Dir, Error, ErrorKind, Key};
use certstore_objects::Access;

use crate::client::Reply;
use crate::xml;

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "oss";

pub(crate) fn invalid_config(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

/// What a refusal tells, without anything secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status; 0 for a part of a request.
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    /// OSS's finer code, like `0026-00000016`.
    pub(crate) ec: Option<String>,
    /// Where the bucket is reached instead.
    pub(crate) endpoint: Option<String>,
    /// What no policy allows, like `oss:PutObject`.
    pub(crate) action: Option<String>,
    /// Whether the region in the signature is what the server objects to.
    pub(crate) names_region: bool,
    pub(crate) request_id: Option<String>,
}

impl Answer {
    /// The error stands in the body; in reply to HEAD, in a header.
    pub(crate) fn of(reply: &Reply) -> Self {
        let in_header = reply.header("x-oss-err").and_then(|text| BASE64.decode(text).ok());
        let body = in_header.as_deref().unwrap_or(&reply.body);
        let told = xml::error(body);
        Self {
            status: reply.status,
            code: told.code,
            ec: reply.header("x-oss-ec").map(str::to_owned).or(told.ec),
            endpoint: told.endpoint.filter(|endpoint| is_plain(endpoint)),
            action: action(body),
            names_region: told.message.is_some_and(|message| message.contains("signing region")),
            request_id: reply.header("x-oss-request-id").map(str::to_owned),
        }
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// No such object, and not: no such bucket.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == 404 && !self.is("NoSuchBucket")
    }

    /// The object is there already, and must not be overwritten.
    pub(crate) fn is_forbidden_overwrite(&self) -> bool {
        self.status == 409 && self.is("FileAlreadyExists")
    }

    /// The object has another length than the append asked for.
    pub(crate) fn is_other_position(&self) -> bool {
        self.is("PositionNotEqualToLength") || (self.status == 404 && self.is("NoSuchKey"))
    }
}

/// For people, as a source: OSS's codes, status and request id. The server's own words are left out, as they can hold
/// the access key's id and what was signed.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clean =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(64).collect() };
        write!(f, "the server answered {}", self.status)?;
        for code in [&self.code, &self.ec].into_iter().flatten() {
            write!(f, " {}", clean(code))?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {})", clean(id)),
            None => Ok(()),
        }
    }
}

impl StdError for Answer {}

/// The error of a request that the server refused or could not do.
pub(crate) fn answered(answer: Answer, access: Access) -> Error {
    let (kind, message) = meaning(&answer);
    // A server that fails does not say what it had done before.
    let unclear = access == Access::Write && answer.status >= 500 && answer.status != 501;
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(unclear)
        .with_source(answer)
}

/// The same for a whole reply, of which an earlier sending may have taken effect.
pub(crate) fn refused(reply: &Reply, access: Access) -> Error {
    let error = answered(Answer::of(reply), access);
    let unclear = error.may_have_applied() || reply.unclear;
    error.with_may_have_applied(unclear)
}

/// Names the operation and the key in an error.
pub(crate) fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

pub(crate) fn on_dir<'a>(operation: &'static str, dir: &'a Dir) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_subject(dir.as_str()).with_backend(BACKEND)
}

fn meaning(answer: &Answer) -> (ErrorKind, Cow<'static, str>) {
    if let Some(endpoint) = &answer.endpoint {
        let message =
            format!("the bucket is reached at another endpoint; set endpoint to {endpoint}");
        return (ErrorKind::InvalidConfig, message.into());
    }
    if answer.names_region {
        let message = "the server is of another region; correct region or endpoint";
        return (ErrorKind::InvalidConfig, message.into());
    }
    if answer.is("AccessDenied")
        && let Some(action) = &answer.action
    {
        let message = format!(
            "the server denies this to these credentials; allow {action} on the bucket and prefix"
        );
        return (ErrorKind::PermissionDenied, message.into());
    }
    let code = answer.code.as_deref().unwrap_or_default();
    let (kind, message) = by_code(code).unwrap_or_else(|| by_status(answer.status));
    (kind, message.into())
}

/// The codes are those of <https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses>.
fn by_code(code: &str) -> Option<(ErrorKind, &'static str)> {
    use ErrorKind::{
        Conflict, Corrupt, InvalidConfig, InvalidKey, NotFound, PermissionDenied, TooLarge,
        Unavailable, Unsupported,
    };
    Some(match code {
        "NoSuchBucket" => (InvalidConfig, "there is no such bucket; create it, or correct bucket"),
        "InvalidBucketName" => (InvalidConfig, "no bucket can have this name; correct bucket"),
        "NoSuchKey" => (NotFound, "no value is stored here"),
        "SignatureDoesNotMatch" => {
            (PermissionDenied, "the signature does not match: the access key secret is wrong")
        }
        "InvalidAccessKeyId" => (
            PermissionDenied,
            "the server does not know this access key id, or its session token is missing",
        ),
        "SecurityTokenExpired" => {
            (PermissionDenied, "the temporary credentials have expired; get new ones")
        }
        "InvalidSecurityToken" | "SecurityTokenNotSupported" => {
            (PermissionDenied, "the session token is wrong for these credentials")
        }
        "RequestTimeTooSkewed" => {
            (PermissionDenied, "this machine's clock is too far from the server's; set the clock")
        }
        "AccessDenied" | "UserDisable" => (
            PermissionDenied,
            "the server denies this to these credentials; allow oss:GetObject, oss:PutObject, oss:DeleteObject, \
             oss:ListObjects and oss:GetBucketVersioning on the bucket and prefix",
        ),
        "FileImmutable" => {
            (PermissionDenied, "a retention policy protects the object; keep this prefix out of it")
        }
        "ServiceUnavailable"
        | "QpsLimitExceeded"
        | "TooManyRequests"
        | "DownloadTrafficRateLimitExceeded"
        | "UploadTrafficRateLimitExceeded" => {
            (Unavailable, "the server asks for fewer requests; retry later")
        }
        "InternalError" => (Unavailable, "the server has failed; retry"),
        "RequestTimeout" => (Unavailable, "the server got the request too slowly; retry"),
        "OperationAborted" => (Unavailable, "another write of this object was under way; retry"),
        "FileAlreadyExists" => (Conflict, "there is a value already; read it again"),
        "PositionNotEqualToLength" => (Conflict, "the object has grown or is another one by now"),
        "ObjectNotAppendable" => (Corrupt, "the object was not made by appending"),
        "EntityTooLarge" => (TooLarge, "the value is larger than the server allows"),
        "InvalidObjectName" => (InvalidKey, "no object can have this name"),
        "InvalidObjectState" => (
            Unavailable,
            "the object is in an archive class; restore it, and keep this prefix out of archiving",
        ),
        "InvalidDigest" => {
            (Corrupt, "what arrived at the server is not what was sent; look for a proxy between")
        }
        "NotImplemented" | "MethodNotAllowed" => {
            (Unsupported, "the server does not offer this request")
        }
        _ => return None,
    })
}

fn by_status(status: u16) -> (ErrorKind, &'static str) {
    match status {
        300..=399 => (ErrorKind::InvalidConfig, "the server is another one; correct endpoint"),
        401 | 403 => (
            ErrorKind::PermissionDenied,
            "the server denies this: the credentials are wrong, or lack oss:GetObject, oss:PutObject, oss:DeleteObject or \
             oss:ListObjects",
        ),
        404 => (ErrorKind::NotFound, "no value is stored here"),
        405 | 501 => (ErrorKind::Unsupported, "the server does not offer this request"),
        408 => (ErrorKind::Unavailable, "the server got the request too slowly; retry"),
        409 => (ErrorKind::Unavailable, "another write of this object was under way; retry"),
        413 => (ErrorKind::TooLarge, "the value is larger than the server allows"),
        429 | 503 => (ErrorKind::Unavailable, "the server asks for fewer requests; retry later"),
        500..=599 => (ErrorKind::Unavailable, "the server has failed; retry"),
        _ => (ErrorKind::Other, "the server refuses the request"),
    }
}

/// The error of an answer that no server of OSS should give.
pub(crate) fn senseless(message: &'static str) -> Error {
    Error::new(ErrorKind::Other, message).with_backend(BACKEND)
}

/// The permission that is missing, from the detail of a denial:
/// <https://www.alibabacloud.com/help/en/oss/support/0003-00000201>.
fn action(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once("<AuthAction>")?;
    let (action, _) = rest.split_once("</AuthAction>")?;
    let name = action.strip_prefix("oss:")?;
    let is_plain =
        (1..=60).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then(|| action.to_owned())
}

/// What an endpoint's name, which goes into a message, may look like.
fn is_plain(endpoint: &str) -> bool {
    (1..=100).contains(&endpoint.len())
        && endpoint.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
