//! What a state of the model holds.

use crate::rules::{Mistake, Rules};

/// The version of no record.
pub(crate) const ABSENT: u8 = 0;

/// The contents of the register. A write's nonce is also the version it makes: both are unique to the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Record {
    pub(crate) version: u8,
    pub(crate) held: bool,
    pub(crate) token: u8,
}

impl Record {
    pub(crate) const NONE: Self = Self { version: ABSENT, held: false, token: 0 };
}

/// When a write takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Condition {
    /// The register has this version.
    Version(u8),
    /// Broken: this is the newest generation, whatever its content.
    Newest(u8),
    /// Broken: the object of this generation is overwritten; it shows only while it is the newest.
    Own(u8),
    /// Broken: always.
    Always,
}

/// What a write is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Purpose {
    Acquire,
    Renew,
    Release,
}

/// A write to the register on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Write {
    pub(crate) purpose: Purpose,
    pub(crate) condition: Condition,
    pub(crate) record: Record,
}

/// What a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Link {
    Quiet,
    /// A read is on its way; `age` counts from sending, for the one mistake that asks for it.
    Reading {
        age: u8,
    },
    /// The reply to a read is on its way.
    ReadDone {
        age: u8,
        record: Record,
    },
    /// A write is on its way.
    Writing(Write),
    /// The reply to a write is on its way.
    WriteDone {
        record: Record,
        applied: bool,
    },
}

/// What a client knows of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Known {
    pub(crate) record: Record,
    /// How long a waiter has seen this version unchanged, by its own clock, from its first reply on.
    pub(crate) watched: u8,
}

/// A write that may have been applied: its nonce, and the time since before it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sent {
    pub(crate) version: u8,
    pub(crate) age: u8,
}

impl Sent {
    pub(crate) const NONE: Self = Self { version: ABSENT, age: 0 };
}

/// A guard, as the application that holds it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Guard {
    pub(crate) token: u8,
    /// The time to the deadline by the holder's clock.
    pub(crate) left: u8,
    /// Set once, when the deadline comes or the record shows another holder.
    pub(crate) lost: bool,
}

impl Guard {
    /// What `check()` answers.
    pub(crate) fn valid(&self) -> bool {
        self.left > 0
    }
}

/// What a client is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Goal {
    Lock,
    Hold(Guard),
    Unlock,
}

/// One client: a process that locks, holds, unlocks, or does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Client {
    pub(crate) goal: Goal,
    pub(crate) link: Link,
    /// `None` before the first read. For a holder: the version its next write replaces.
    pub(crate) known: Option<Known>,
    /// The outcome of a write is unknown: read before the next one.
    pub(crate) unsure: bool,
    pub(crate) sent: [Sent; 3],
    /// A write that was given up on, or a copy of one, that the network may still deliver.
    pub(crate) ghost: Option<Write>,
    /// The nonce of an earlier write whose good reply the network may still deliver.
    pub(crate) late_reply: Option<u8>,
    /// The token of a write to the store on its way.
    pub(crate) storing: Option<u8>,
}

impl Client {
    pub(crate) const NEW: Self = Self {
        goal: Goal::Lock,
        link: Link::Quiet,
        known: None,
        unsure: false,
        sent: [Sent::NONE; 3],
        ghost: None,
        late_reply: None,
        storing: None,
    };

    pub(crate) fn guard(&self) -> Option<&Guard> {
        match &self.goal {
            Goal::Hold(guard) => Some(guard),
            Goal::Lock | Goal::Unlock => None,
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.guard().is_some_and(Guard::valid)
    }

    /// The age of an own write, when `version` is one.
    pub(crate) fn age_of(&self, version: u8) -> Option<u8> {
        let own = |sent: &&Sent| version != ABSENT && sent.version == version;
        self.sent.iter().find(own).map(|sent| sent.age)
    }

    /// Remembers a write that is sent now; `false` when there is no room, and nothing may be sent.
    pub(crate) fn remember(&mut self, version: u8) -> bool {
        let free = self.sent.iter_mut().find(|sent| sent.version == ABSENT);
        free.is_some_and(|sent| {
            *sent = Sent { version, age: 0 };
            true
        })
    }

    /// Knows `record` as of this moment, with nothing in doubt.
    pub(crate) fn settle(&mut self, record: Record) {
        self.known = Some(Known { record, watched: 0 });
        self.sent = [Sent::NONE; 3];
        self.unsure = false;
    }
}

/// What the last step did, where a property asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Event {
    Nothing,
    /// A held record got a new holder.
    TakenOver,
    /// A write was applied that its client no longer waited for.
    GhostLanded,
    /// A read showed a client that a write without a good reply was its own.
    OwnWriteRecognised,
    /// This client released, and knows the version of its release.
    Released(usize),
    /// A guard was handed on within its process.
    HandedOver,
    /// A client acquired with the version of its own release, without a read.
    AskedWithoutRead,
    /// A renewal of a guard that was lost in the meantime succeeded, and was ignored.
    LateRenewalIgnored,
    /// A new holder's token is not above all before it.
    TokenNotGrown,
    /// The record is gone.
    RecordDeleted,
    /// The store refused an outdated token.
    StaleWriteRefused,
    /// The store took a token below one it took before.
    StaleWriteTaken,
    /// The store refused a guard that was valid.
    ValidWriteRefused,
}

/// The register, the store, and the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct State<const N: usize> {
    pub(crate) record: Record,
    /// The highest token ever granted.
    pub(crate) granted: u8,
    /// The token of the last write that the store took.
    pub(crate) stored: u8,
    pub(crate) clients: [Client; N],
    pub(crate) event: Event,
}

impl<const N: usize> State<N> {
    pub(crate) const START: Self = Self {
        record: Record::NONE,
        granted: 0,
        stored: 0,
        clients: [Client::NEW; N],
        event: Event::Nothing,
    };

    pub(crate) fn holders(&self) -> usize {
        self.clients.iter().filter(|client| client.holds()).count()
    }

    /// Lets each clock go on by its number of units.
    pub(crate) fn tick(&mut self, rules: &Rules, units: [u8; N]) {
        for (client, units) in self.clients.iter_mut().zip(units) {
            client.tick(rules, units);
        }
    }
}

impl Client {
    fn tick(&mut self, rules: &Rules, units: u8) {
        if let Goal::Hold(guard) = &mut self.goal {
            guard.left = guard.left.saturating_sub(units);
            guard.lost |= guard.left == 0;
        }
        for sent in self.sent.iter_mut().filter(|sent| sent.version != ABSENT) {
            sent.age = rules.hold.min(sent.age + units);
        }
        let waits = self.goal == Goal::Lock;
        if let Some(known) = self.known.as_mut().filter(|known| waits && known.record.held) {
            known.watched = rules.lease.min(known.watched + units);
        }
        if rules.makes(Mistake::WaiterCountsFromSending) {
            self.link.tick(rules, units);
        }
    }
}

impl Link {
    fn tick(&mut self, rules: &Rules, units: u8) {
        if let Self::Reading { age } | Self::ReadDone { age, .. } = self {
            *age = rules.lease.min(*age + units);
        }
    }
}
