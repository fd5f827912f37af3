//! What the server was asked: the round trips, counted by the server itself.

use std::collections::{BTreeMap, VecDeque};

/// The last requests that are kept whole; counts go on beyond.
const KEPT: usize = 20_000;

/// One request, as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request<O> {
    /// The operation.
    pub op: O,
    /// The bucket; empty where none was named, and where there are none.
    pub bucket: String,
    /// The object's key; of a list its prefix. Empty for requests on many keys, and for refused signatures.
    pub key: String,
    /// The access key that signed it; empty for refused signatures.
    pub access_key: String,
    /// Whether it had a condition.
    pub conditional: bool,
    /// The HTTP status; 0 where the connection was closed without a reply.
    pub status: u16,
}

/// The requests since the start, or since the server was told to forget them: a copy.
#[derive(Debug, Clone)]
pub struct Requests<O> {
    counts: BTreeMap<O, u64>,
    last: VecDeque<Request<O>>,
}

impl<O> Default for Requests<O> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), last: VecDeque::new() }
    }
}

impl<O: Copy + Ord> Requests<O> {
    /// The number of requests of all operations.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The number of requests of `op`.
    #[must_use]
    pub fn of(&self, op: O) -> u64 {
        self.counts.get(&op).copied().unwrap_or(0)
    }

    /// The count of each operation that occurred.
    #[must_use]
    pub fn per_op(&self) -> &BTreeMap<O, u64> {
        &self.counts
    }

    /// The requests themselves, in the order of their replies; the last 20,000 at most.
    pub fn iter(&self) -> impl Iterator<Item = &Request<O>> {
        self.last.iter()
    }

    pub(crate) fn push(&mut self, request: Request<O>) {
        *self.counts.entry(request.op).or_default() += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(request);
    }
}
