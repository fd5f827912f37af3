//! What a history consists of.

/// What a client asked of a key. Values are numbers that stand for the bytes; each is written once. 0 is none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Reads the value.
    Load,
    /// A plain store.
    Store {
        /// What is written.
        value: u64,
    },
    /// A store on condition that there is no value.
    Create {
        /// What is written.
        value: u64,
    },
    /// A store on condition that the value is the one that the client has read.
    Replace {
        /// What is written.
        value: u64,
        /// What must be there.
        expected: u64,
    },
    /// A store under a lock.
    Fenced {
        /// What is written.
        value: u64,
        /// The lock's name.
        name: String,
        /// The holder's token.
        token: u64,
    },
}

impl Call {
    /// What it writes, if it writes.
    #[must_use]
    pub fn value(&self) -> Option<u64> {
        match *self {
            Self::Load => None,
            Self::Store { value }
            | Self::Create { value }
            | Self::Replace { value, .. }
            | Self::Fenced { value, .. } => Some(value),
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It wrote.
    Done,
    /// It read this value, or that there is none.
    Saw(Option<u64>),
    /// It was refused and wrote nothing: the condition did not hold, or the fence did.
    Refused,
    /// It may have written, may yet write, or never will: no answer, or one that leaves that open.
    Unknown,
}

/// One operation on a key. Times are nanoseconds of a clock that all clients share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Who called.
    pub client: u64,
    /// On which key.
    pub key: String,
    /// What was asked.
    pub call: Call,
    /// A time before the call.
    pub invoked: u64,
    /// A time after the return; `u64::MAX` when it never returned or its outcome is unknown.
    pub completed: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Stands for the version that the backend gave with the answer, where it gave one.
    pub version: Option<u64>,
}

/// One possession of a lock. Times as in [`Op`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who held it.
    pub client: u64,
    /// The lock's name.
    pub name: String,
    /// The token that came with it.
    pub token: u64,
    /// When the client asked for it.
    pub asked: u64,
    /// The first time at which it was surely held: the guard had been returned before, and was valid after.
    pub first: u64,
    /// The last such time.
    pub last: u64,
    /// When it was given back, where that succeeded: a time before the call.
    pub freed: Option<u64>,
    /// Whether the holder found that it had lost the lock.
    pub lost: bool,
}

/// What a number of clients did, and saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Operations on keys, in no particular order.
    pub ops: Vec<Op>,
    /// Possessions of locks, in no particular order.
    pub grants: Vec<Grant>,
    /// What a client saw that is wrong in itself: torn values, errors that nothing explains.
    pub odd: Vec<String>,
    /// Errors that tell to retry.
    pub retryable: u64,
}

/// Counts of a [`History`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Loads that were answered.
    pub loads: usize,
    /// Plain stores.
    pub stores: usize,
    /// Stores on a condition.
    pub conditional: usize,
    /// Stores under a lock.
    pub fenced: usize,
    /// Writes that were refused, by a condition or a fence.
    pub refused: usize,
    /// Writes whose outcome is unknown.
    pub unknown: usize,
    /// Possessions of locks.
    pub grants: usize,
    /// Possessions that were found lost.
    pub lost: usize,
    /// Errors that tell to retry.
    pub retryable: u64,
}

impl History {
    /// Adds what other clients did.
    pub fn merge(&mut self, other: Self) {
        self.ops.extend(other.ops);
        self.grants.extend(other.grants);
        self.odd.extend(other.odd);
        self.retryable += other.retryable;
    }

    /// Counts what was done.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            grants: self.grants.len(),
            lost: self.grants.iter().filter(|grant| grant.lost).count(),
            retryable: self.retryable,
            ..Summary::default()
        };
        for op in &self.ops {
            *match op.call {
                Call::Load => &mut summary.loads,
                Call::Store { .. } => &mut summary.stores,
                Call::Create { .. } | Call::Replace { .. } => &mut summary.conditional,
                Call::Fenced { .. } => &mut summary.fenced,
            } += 1;
            match op.outcome {
                Outcome::Refused => summary.refused += 1,
                Outcome::Unknown => summary.unknown += 1,
                Outcome::Done | Outcome::Saw(_) => {}
            }
        }
        summary
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { loads, stores, conditional, fenced, refused, unknown, grants, lost, retryable } =
            self;
        write!(
            f,
            "{grants} locks ({lost} lost); {loads} loads, {stores} stores, {conditional} conditional, \
             {fenced} fenced ({refused} refused, {unknown} unknown); {retryable} retryable errors"
        )
    }
}
