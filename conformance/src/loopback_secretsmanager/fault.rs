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
    /// Nothing is done; the reply is 500 `InternalServiceError`.
    InternalError,
    /// The request is done; the reply is 500 `InternalServiceError`.
    InternalErrorAfter,
    /// Nothing is done; the reply is 503 `ServiceUnavailable`.
    Unavailable,
    /// Nothing is done; the reply is 400 `ThrottlingException`.
    Throttle,
    /// Nothing is done; the reply is 400 `LimitExceededException`.
    LimitExceeded,
    /// Nothing is done; the reply is 400 `ExpiredTokenException`
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>, as the next two).
    TokenExpired,
    /// Nothing is done; the reply is 400 `InvalidSignatureException`: the signature has expired.
    ClockSkewed,
    /// Nothing is done; the reply is 400 `AccessDeniedException`, which names the [permission](Op::permission) that no policy
    /// allows.
    Denied,
    /// The request is done twice, as by a network that repeats it, and the reply is the second one's.
    Repeat,
    /// The request waits before it is done.
    Delay(Duration),
    /// The request waits until the next [`release`](super::LoopbackSecretsManager::release), and is done then.
    Hold,
    /// The request is done at once; its reply waits.
    DelayReply(Duration),
    /// The reply has the whole length in its header and half of the body, then the connection is closed.
    TruncateBody,
}

/// A fault to switch on: an [`Effect`], the requests it is for, and how often it happens; once unless said otherwise. The
/// key is the secret's name, of a list the prefix; conditional are requests with `RemoveFromVersionId`.
///
/// ```
/// use certstore_conformance::loopback_secretsmanager::{Effect, Fault, Op};
/// let fault = Fault::new(Effect::LoseReply).on(Op::PutSecretValue).key("*/locks/*").skip(1).times(3);
/// # let _ = fault;
/// ```
pub type Fault = crate::loopback::Fault<Op, Effect>;

/// The faults that are switched on.
pub(super) type Faults = crate::loopback::Faults<Op, Effect>;
