//! What the server was asked: the round trips, counted by the server itself.

use super::Op;

/// One request, as the server saw it; `conditional` says whether it had `RemoveFromVersionId`.
pub type Request = crate::loopback::Request<Op>;

/// The requests since the start, or since [`clear_requests`](super::LoopbackSecretsManager::clear_requests): a copy.
pub type Requests = crate::loopback::Requests<Op>;
