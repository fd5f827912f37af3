//! What the servers do: the register of the lock, and the store that takes fenced writes.

use crate::rules::{Mistake, Rules};
use crate::state::{ABSENT, Condition, Event, Purpose, State, Write};

impl<const N: usize> State<N> {
    /// Applies a write if its condition holds, and says whether the client is told so.
    pub(crate) fn apply(&mut self, write: Write) -> bool {
        let now = self.record;
        let holds = match write.condition {
            Condition::Version(version) => now.version == version,
            Condition::Newest(generation) => now.token == generation,
            Condition::Own(generation) if now.token != generation => return true,
            Condition::Own(_) | Condition::Always => true,
        };
        if holds {
            self.note_change(write);
            self.record = write.record;
        }
        holds
    }

    /// Says what a property asks for, before the change.
    fn note_change(&mut self, Write { purpose, record: new, .. }: Write) {
        let old = self.record;
        if new.version == ABSENT && old.version != ABSENT {
            self.event = Event::RecordDeleted;
        }
        if purpose != Purpose::Acquire {
            return;
        }
        if old.held {
            self.event = Event::TakenOver;
        }
        self.grant(new.token);
    }

    /// Notes that a guard with this token comes to be.
    pub(crate) fn grant(&mut self, token: u8) {
        if token <= self.granted {
            self.event = Event::TokenNotGrown;
        }
        self.granted = self.granted.max(token);
    }

    /// The store takes a write unless it took one with a higher token.
    pub(crate) fn store(&mut self, rules: &Rules, client: usize, token: u8) {
        let stale = token < self.stored;
        if stale && !rules.makes(Mistake::WritesNotFenced) {
            let valid = self.clients[client]
                .guard()
                .is_some_and(|guard| guard.valid() && guard.token == token);
            self.event = if valid { Event::ValidWriteRefused } else { Event::StaleWriteRefused };
            return;
        }
        if stale {
            self.event = Event::StaleWriteTaken;
        }
        self.stored = token;
    }
}
