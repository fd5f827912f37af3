//! The parameters of the protocol, what may go wrong around it, and the mistakes a broken variant makes.

/// How much the clocks of the clients gain in one tick. Their ratio is 1.25, what the protocol allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) fast: u8,
    pub(crate) slow: u8,
}

impl Tick {
    /// Three ticks of a fast clock make a lease.
    pub(crate) const FINE: Self = Self { fast: 10, slow: 8 };
    /// Two do.
    pub(crate) const COARSE: Self = Self { fast: 15, slow: 12 };
}

/// What the clients do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// A waiter takes over after this long without a change of the record, in units of its own clock.
    pub(crate) lease: u8,
    /// A holder gives up this long after it sent its last successful write, in units of its own clock.
    pub(crate) hold: u8,
    /// A holder renews this long after it sent its last successful write.
    pub(crate) renew: u8,
    /// So many tokens belong to an acquisition: its own, and one for each hand-over within the process.
    pub(crate) span: u8,
    /// What this variant does wrong; `None` for the protocol as it is.
    pub(crate) mistake: Option<Mistake>,
}

impl Rules {
    /// The engine's proportions: hold = 0.8 lease, renew = lease / 3.
    pub(crate) const PROTOCOL: Self =
        Self { lease: 30, hold: 24, renew: 10, span: 1, mistake: None };

    /// The protocol with one mistake in it.
    pub(crate) const fn with(mistake: Mistake) -> Self {
        Self { mistake: Some(mistake), ..Self::PROTOCOL }
    }

    /// Whether this variant makes `mistake`.
    pub(crate) fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Whether every write names a version that the register had, and takes effect only while it has it.
    pub(crate) fn conditional(&self) -> bool {
        !matches!(
            self.mistake,
            Some(
                Mistake::DeleteThenCreate | Mistake::GenerationObjects | Mistake::RepliesNotMatched
            )
        )
    }
}

/// A known wrong way to build a lease lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The holder's limit counts from the reply, not from before sending.
    HolderCountsFromReply,
    /// The waiter's timer counts from sending the read, not from its reply.
    WaiterCountsFromSending,
    /// An expired lock is deleted, then created; a release deletes whatever is there.
    DeleteThenCreate,
    /// A takeover creates the next generation's object, a renewal overwrites the holder's own.
    GenerationObjects,
    /// A takeover leaves the fencing token as it is.
    TokenKept,
    /// A new holder's token leaves out those that were handed on within the process before it.
    SpanNotReserved,
    /// A renewal's late success makes a lost guard valid again.
    LateRenewalRevives,
    /// The client takes any reply for the answer to its last write.
    RepliesNotMatched,
    /// A lock that is not renewed is left alone for ever.
    NoTakeover,
    /// The store takes a fenced write without looking at its token.
    WritesNotFenced,
}

/// What the environment may do, and so how large the state space gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// How finely time is cut.
    pub(crate) tick: Tick,
    /// Requests and replies get lost; else they are only delayed.
    pub(crate) losses: bool,
    /// In each tick each clock is fast or slow; else all are fast.
    pub(crate) drift: bool,
    /// So many writes that their clients no longer wait for, or copies of writes, may be under way at once. Each may be
    /// applied at any later time, or never.
    pub(crate) ghosts: usize,
    /// The network may copy a write, and apply both in any order with the reply that reaches the client.
    pub(crate) repeated_writes: bool,
    /// A reply that was delivered, or given up on, may be delivered at any later time.
    pub(crate) late_replies: bool,
    /// A client may forget all it knows, at any time.
    pub(crate) crashes: bool,
    /// Holders write to a store with their tokens, and the writes arrive at any later time.
    pub(crate) stores: bool,
}

impl Faults {
    /// Requests and replies are delayed, and get lost; clients stop running for any time.
    pub(crate) const DELAYS: Self = Self {
        tick: Tick::FINE,
        losses: true,
        drift: false,
        ghosts: 0,
        repeated_writes: false,
        late_replies: false,
        crashes: false,
        stores: false,
    };
}
