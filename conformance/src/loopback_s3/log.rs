//! What the server was asked: the round trips, counted by the server itself.

use std::collections::{BTreeMap, VecDeque};

use super::Op;

/// The last requests that are kept whole; counts go on beyond.
const KEPT: usize = 20_000;

/// One request, as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The operation.
    pub op: Op,
    /// The bucket; empty where none was named.
    pub bucket: String,
    /// The object's key; of a list its prefix. Empty for requests on many keys, and for refused signatures.
    pub key: String,
    /// The access key that signed it; empty for refused signatures.
    pub access_key: String,
    /// Whether it had `If-Match` or `If-None-Match`.
    pub conditional: bool,
    /// The HTTP status; 0 where the connection was closed without a reply.
    pub status: u16,
}

/// The requests since the start, or since [`clear_requests`](super::LoopbackS3::clear_requests): a copy.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    counts: BTreeMap<Op, u64>,
    last: VecDeque<Request>,
}

impl Requests {
    /// The number of requests of all operations.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The number of requests of `op`.
    #[must_use]
    pub fn of(&self, op: Op) -> u64 {
        self.counts.get(&op).copied().unwrap_or(0)
    }

    /// The count of each operation that occurred.
    #[must_use]
    pub fn per_op(&self) -> &BTreeMap<Op, u64> {
        &self.counts
    }

    /// The requests themselves, in the order of their replies; the last 20,000 at most.
    pub fn iter(&self) -> impl Iterator<Item = &Request> {
        self.last.iter()
    }

    pub(super) fn push(&mut self, request: Request) {
        *self.counts.entry(request.op).or_default() += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(request);
    }
}
