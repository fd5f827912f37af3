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
    /// Nothing is done; the reply is 409 `ConditionalRequestConflict`.
    Conflict,
    /// The request is done; the reply is 412 `PreconditionFailed`, as a client sees it whose first attempt was
    /// applied and whose repetition then met its own write. A request that fails by itself keeps its own reply.
    FailAgainstItself,
    /// Nothing is done; the reply is 500 `InternalError`.
    InternalError,
    /// The request is done; the reply is 500 `InternalError`.
    InternalErrorAfter,
    /// Nothing is done; the reply is 503 `SlowDown`.
    SlowDown,
    /// Nothing is done; the reply is 429 `TooManyRequests`, as some S3-compatible stores say it.
    TooManyRequests,
    /// Nothing is done; the reply is 400 `ExpiredToken`
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, as the next two).
    TokenExpired,
    /// Nothing is done; the reply is 403 `RequestTimeTooSkewed`.
    ClockSkewed,
    /// Nothing is done; the reply is 403 `AccessDenied`, which names the [permission](Op::permission) that no policy allows
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>).
    Denied,
    /// Nothing is done; the reply is 403 `QuotaExceeded`, as Ceph's gateway says it.
    QuotaExceeded,
    /// The request waits before it is done.
    Delay(Duration),
    /// The request is done at once; its reply waits.
    DelayReply(Duration),
    /// The reply has the whole length in its header and half of the body, then the connection is closed.
    TruncateBody,
    /// Conditions of a write are not looked at: a store that keeps no word. On [`Op::DeleteObject`] alone: a store
    /// without conditional deletes.
    IgnoreConditions,
    /// Conditions of a write are judged, then the write follows after this time without another look: a store whose
    /// conditions are right one at a time and lose updates between racers.
    RacyConditions(Duration),
}

/// A fault to switch on: an [`Effect`], the requests it is for, and how often it happens; once unless said otherwise.
///
/// ```
/// use certstore_conformance::loopback_s3::{Effect, Fault, Op};
/// let fault = Fault::new(Effect::LoseReply).on(Op::PutObject).key("*/locks/*").skip(1).times(3);
/// # let _ = fault;
/// ```
pub type Fault = crate::loopback::Fault<Op, Effect>;

/// The faults that are switched on.
pub(super) type Faults = crate::loopback::Faults<Op, Effect>;
