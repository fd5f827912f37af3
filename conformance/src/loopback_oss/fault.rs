//! What can go wrong with a request.

use std::time::Duration;

use super::Op;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing is done and the connection is closed without a reply.
    LoseRequest,
    /// The request is done, then the connection is closed without a reply.
    LoseReply,
    /// Nothing is done; the reply is 500 `InternalError`.
    InternalError,
    /// The request is done; the reply is 500 `InternalError`.
    InternalErrorAfter,
    /// Nothing is done; the reply is 503 `ServiceUnavailable`.
    ServiceUnavailable,
    /// Nothing is done; the reply is 503 `QpsLimitExceeded`.
    QpsLimitExceeded,
    /// Nothing is done; the reply is 429 `TooManyRequests`.
    TooManyRequests,
    /// Nothing is done; the reply is 409 `OperationAborted`.
    OperationAborted,
    /// Nothing is done; the reply is 403 `SecurityTokenExpired`
    /// (<https://www.alibabacloud.com/help/en/oss/support/0002-00000007>).
    TokenExpired,
    /// Nothing is done; the reply is 403 `RequestTimeTooSkewed`
    /// (<https://www.alibabacloud.com/help/en/oss/how-to-troubleshoot-403-status-code-when-you-access-oss>).
    ClockSkewed,
    /// Nothing is done; the reply is 403 `AccessDenied`, which names the [permission](Op::permission) that no policy allows
    /// (<https://www.alibabacloud.com/help/en/oss/support/0003-00000201>).
    Denied,
    /// The request is done twice, as by a network that repeats it, and the reply is the second one's: an append meets
    /// itself as `PositionNotEqualToLength`, a create-only write as `FileAlreadyExists`.
    Repeat,
    /// The request waits before it is done.
    Delay(Duration),
    /// The request is done at once; its reply waits.
    DelayReply(Duration),
    /// The reply has the whole length in its header and half of the body, then the connection is closed.
    TruncateBody,
    /// An append is done at the end whatever position it names: a store that keeps no word.
    IgnorePosition,
    /// `x-oss-forbid-overwrite` is not looked at.
    IgnoreForbidOverwrite,
    /// The reply has no `x-oss-hash-crc64ecma`.
    NoChecksum,
}

/// A fault to switch on: an [`Effect`], the requests it is for, and how often it happens; once unless said otherwise.
///
/// ```
/// use certstore_conformance::loopback_oss::{Effect, Fault, Op};
/// let fault = Fault::new(Effect::LoseReply).on(Op::AppendObject).key("*/locks/*").skip(1).times(3);
/// # let _ = fault;
/// ```
pub type Fault = crate::loopback::Fault<Op, Effect>;

/// The faults that are switched on.
pub(super) type Faults = crate::loopback::Faults<Op, Effect>;
