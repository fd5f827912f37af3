//! What the server was asked: the round trips, counted by the server itself.

use super::Op;

/// One request, as the server saw it; `conditional` says whether it was an append, forbade to overwrite, or asked for an
/// ETag.
pub type Request = crate::loopback::Request<Op>;

/// The requests since the start, or since [`clear_requests`](super::LoopbackOss::clear_requests): a copy.
pub type Requests = crate::loopback::Requests<Op>;
