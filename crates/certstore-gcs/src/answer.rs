//! What a refused request tells, without the driver's types.

use std::error::Error as StdError;
use std::fmt;

use google_cloud_gax::error::Error as Failed;
use google_cloud_gax::error::rpc::Code;

/// What the service said. JSON and gRPC say it in different ways; here it is a status of HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The bucket is missing, not the object.
    pub(crate) no_bucket: bool,
    /// What the credentials lack, as `storage.objects.get`.
    pub(crate) permission: Option<String>,
}

impl Answer {
    /// Of what the service said; `None` when it said nothing.
    pub(crate) fn of(error: &Failed) -> Option<Self> {
        let status = match (error.http_status_code(), error.status()) {
            (Some(status), _) => status,
            (None, Some(status)) => http_status(status.code),
            (None, None) => return None,
        };
        let said = error.status().map(|status| status.message.as_str()).unwrap_or_default();
        let payload = error.http_payload().map(|bytes| String::from_utf8_lossy(bytes));
        let words = || [Some(said), payload.as_deref()].into_iter().flatten();
        let no_bucket =
            status == 404 && words().any(|text| text.contains("specified bucket does not exist"));
        let permission = words().find_map(permission_in).filter(|_| status == 403);
        Some(Self { status, no_bucket, permission })
    }

    /// No such object.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == 404 && !self.no_bucket
    }

    /// The condition did not hold.
    pub(crate) fn is_precondition(&self) -> bool {
        self.status == 412
    }

    /// The generation is the one that is known.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.status == 304
    }

    /// These credentials may not do this.
    pub(crate) fn is_denied(&self) -> bool {
        self.status == 403
    }

    /// Too many writes of this object, or too many requests: nothing was done.
    pub(crate) fn is_throttled(&self) -> bool {
        self.status == 429
    }
}

/// The permission in "Permission 'storage.objects.get' denied on resource", and nothing else of the words.
fn permission_in(words: &str) -> Option<String> {
    let (_, rest) = words.split_once("ermission 'storage.")?;
    let (name, rest) = rest.split_once('\'')?;
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'.');
    (plain && rest.starts_with(" denied")).then(|| format!("storage.{name}"))
}

/// The mapping of <https://cloud.google.com/apis/design/errors#handling_errors>, the other way round; for
/// preconditions the status that the JSON API has.
fn http_status(code: Code) -> u16 {
    match code {
        Code::InvalidArgument | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::FailedPrecondition => 412,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        _ => 500,
    }
}

/// For people, as a source. The service's own words are left out: they can hold account names and more.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status)
    }
}

impl StdError for Answer {}
