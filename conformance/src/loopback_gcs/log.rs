//! What the server was asked: the round trips, counted by the server itself.

use super::Op;

/// One request, as the server saw it; `access_key` names whose token it had, and `conditional` says whether it had a
/// precondition.
pub type Request = crate::loopback::Request<Op>;

/// The requests since the start, or since [`clear_requests`](super::LoopbackGcs::clear_requests): a copy.
pub type Requests = crate::loopback::Requests<Op>;
