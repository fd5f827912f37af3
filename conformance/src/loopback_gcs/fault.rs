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
    /// The request is done; the reply is 412 `conditionNotMet`, as a client sees it whose first attempt was applied and
    /// whose repetition then met its own write. A request that fails by itself keeps its own reply.
    FailAgainstItself,
    /// Nothing is done; the reply is 500 `backendError`.
    InternalError,
    /// The request is done; the reply is 500 `backendError`.
    InternalErrorAfter,
    /// Nothing is done; the reply is 503 `backendError`.
    ServiceUnavailable,
    /// Nothing is done; the reply is 429 `rateLimitExceeded`.
    TooManyRequests,
    /// Nothing is done; the reply is 409 `conflict`, over gRPC `ABORTED`
    /// (<https://cloud.google.com/storage/docs/json_api/v1/status-codes#409-conflict>).
    Conflict,
    /// Nothing is done; the reply is 401 `authError`: a token that has expired, or one that was signed by a clock that is
    /// wrong; the service has no other word for it
    /// (<https://cloud.google.com/storage/docs/json_api/v1/status-codes#401-unauthorized>).
    TokenExpired,
    /// Nothing is done; the reply is 403 `forbidden`, which names the [permission](Op::permission) that is missing
    /// (<https://cloud.google.com/storage/docs/json_api/v1/status-codes#403-forbidden>).
    Denied,
    /// The request waits before it is done.
    Delay(Duration),
    /// The request is done at once; its reply waits.
    DelayReply(Duration),
    /// The reply has the whole length in its header and half of the body, then the connection is closed. JSON only.
    TruncateBody,
    /// Conditions of a write are not looked at: an emulator that keeps no word.
    IgnoreConditions,
}

/// A fault to switch on: an [`Effect`], the requests it is for, and how often it happens; once unless said otherwise.
///
/// ```
/// use certstore_conformance::loopback_gcs::{Effect, Fault, Op};
/// let fault = Fault::new(Effect::LoseReply).on(Op::InsertObject).key("*/locks/*").skip(1).times(3);
/// # let _ = fault;
/// ```
pub type Fault = crate::loopback::Fault<Op, Effect>;

/// The faults that are switched on.
pub(super) type Faults = crate::loopback::Faults<Op, Effect>;
