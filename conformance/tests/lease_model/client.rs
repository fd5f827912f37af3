//! What a client does: the protocol, and each mistake at the place where it is made.

use crate::rules::{Mistake, Rules};
use crate::state::{
    ABSENT, Client, Condition, Event, Goal, Guard, Known, Link, Purpose, Record, Sent, Write,
};

impl Client {
    /// Whether the client may read now.
    pub(crate) fn may_read(&self) -> bool {
        let asks = match self.goal {
            Goal::Lock => self.unsure || self.known.is_none_or(|known| known.record.held),
            Goal::Hold(guard) => self.unsure && guard.valid(),
            Goal::Unlock => self.unsure,
        };
        asks && self.link == Link::Quiet
    }

    /// The write that the client may send now, with a fresh `nonce`.
    pub(crate) fn next_write(&self, rules: &Rules, nonce: u8) -> Option<Write> {
        let known = self.known.filter(|_| self.link == Link::Quiet)?;
        match self.goal {
            Goal::Lock if self.unsure => None,
            Goal::Lock if !known.record.held => Some(acquire(rules, known.record, nonce)),
            Goal::Lock if rules.makes(Mistake::NoTakeover) => None,
            Goal::Lock if known.watched >= rules.lease => {
                Some(take_over(rules, known.record, nonce))
            }
            Goal::Hold(guard) if guard.valid() && guard.left <= rules.hold - rules.renew => {
                Some(renew(rules, known.record, nonce))
            }
            Goal::Unlock => Some(release(rules, known.record, nonce)),
            Goal::Lock | Goal::Hold(_) => None,
        }
    }

    /// The guard of the next task in the same process, without a word to the register: the deadline stays, the token
    /// comes from the span that the acquisition reserved.
    pub(crate) fn hand_over(&self, rules: &Rules) -> Option<Guard> {
        let (guard, known) = (self.guard().filter(|guard| guard.valid())?, self.known?);
        let next = Guard { token: guard.token + 1, ..*guard };
        (next.token < known.record.token + rules.span).then_some(next)
    }

    /// Takes the reply that has come, and says what is noteworthy about it.
    pub(crate) fn receive(&mut self, rules: &Rules) -> Event {
        let link = std::mem::replace(&mut self.link, Link::Quiet);
        match (link, self.goal) {
            (Link::ReadDone { age, record }, Goal::Lock) => self.look(rules, record, age),
            (Link::ReadDone { record, .. }, Goal::Hold(guard)) => {
                self.confirm(rules, record, guard)
            }
            (Link::ReadDone { record, .. }, Goal::Unlock) => self.look_after_release(record),
            (Link::WriteDone { applied: false, .. }, _) => {
                self.unsure = true;
                Event::Nothing
            }
            (Link::WriteDone { record, .. }, goal) => self.succeed(rules, record, goal),
            (Link::Quiet | Link::Reading { .. } | Link::Writing(_), _) => Event::Nothing,
        }
    }

    /// A write was answered with success.
    fn succeed(&mut self, rules: &Rules, record: Record, goal: Goal) -> Event {
        let age = self.age_of(record.version).unwrap_or(0);
        match goal {
            Goal::Lock if record.held => self.acquired(rules, record, age),
            Goal::Lock => self.settle(record),
            Goal::Hold(guard) => return self.renewed(rules, record, age, guard),
            Goal::Unlock => self.released(record),
        }
        Event::Nothing
    }

    /// A waiter's read: an own write whose reply was lost, or a reason to go on waiting.
    fn look(&mut self, rules: &Rules, record: Record, age: u8) -> Event {
        if let Some(since_sending) = self.age_of(record.version) {
            self.acquired(rules, record, since_sending);
            return Event::OwnWriteRecognised;
        }
        self.unsure = false;
        if self.known.is_none_or(|known| known.record.version != record.version) {
            self.settle(record);
            let from_sending = rules.makes(Mistake::WaiterCountsFromSending) && record.held;
            self.known = Some(Known { record, watched: if from_sending { age } else { 0 } });
        }
        Event::Nothing
    }

    /// A holder's read after a renewal in doubt.
    fn confirm(&mut self, rules: &Rules, record: Record, guard: Guard) -> Event {
        if let Some(age) = self.age_of(record.version) {
            self.renewed(rules, record, age, guard);
            return Event::OwnWriteRecognised;
        }
        self.unsure = false;
        if self.known.is_none_or(|known| known.record.version != record.version) {
            self.goal = Goal::Hold(Guard { left: 0, lost: true, ..guard });
        }
        Event::Nothing
    }

    /// A read after a release in doubt.
    fn look_after_release(&mut self, record: Record) -> Event {
        if self.age_of(record.version).is_some() {
            self.settle(record);
            if !record.held {
                self.released(record);
            }
            return Event::OwnWriteRecognised;
        }
        self.unsure = false;
        if self.known.is_none_or(|known| known.record.version != record.version) {
            self.released(record);
        }
        Event::Nothing
    }

    /// The guard ends `hold` after the write was sent; one that came too late is given back.
    fn acquired(&mut self, rules: &Rules, record: Record, age: u8) {
        self.settle(record);
        let left = time_left(rules, age);
        self.goal = match left {
            0 => Goal::Unlock,
            _ => Goal::Hold(Guard { token: record.token, left, lost: false }),
        };
    }

    /// A late success never brings a lost guard back.
    fn renewed(&mut self, rules: &Rules, record: Record, age: u8, guard: Guard) -> Event {
        self.settle(record);
        if guard.lost && !rules.makes(Mistake::LateRenewalRevives) {
            return Event::LateRenewalIgnored;
        }
        self.goal = Goal::Hold(Guard { left: guard.left.max(time_left(rules, age)), ..guard });
        Event::Nothing
    }

    /// The unlock is over. What the register held is known without another read.
    fn released(&mut self, record: Record) {
        self.settle(record);
        self.goal = Goal::Lock;
    }

    /// The client stops waiting; the network may still deliver the write.
    pub(crate) fn give_up(&mut self, lands_later: bool) {
        let link = std::mem::replace(&mut self.link, Link::Quiet);
        match link {
            Link::Writing(write) => {
                self.unsure = true;
                if lands_later {
                    self.ghost = Some(write);
                }
            }
            Link::WriteDone { record, applied } => {
                self.unsure = true;
                if lands_later && applied {
                    self.late_reply = Some(record.version);
                }
            }
            Link::Quiet | Link::Reading { .. } | Link::ReadDone { .. } => {}
        }
    }

    /// The process ends; a new one starts in its place, knowing nothing.
    pub(crate) fn crash(&mut self, lands_later: bool) {
        self.give_up(lands_later);
        let Self { ghost, storing, .. } = *self;
        *self = Self { ghost, storing, ..Self::NEW };
    }

    /// A reply to an earlier write arrives. Replies are matched to requests, so it answers nothing.
    pub(crate) fn receive_late(&mut self, rules: &Rules) {
        let Some(nonce) = self.late_reply.take() else { return };
        let Link::Writing(write) = self.link else { return };
        if write.record.version == nonce || rules.makes(Mistake::RepliesNotMatched) {
            self.link = Link::WriteDone { record: write.record, applied: true };
            self.ghost = Some(write);
        }
    }

    /// Forgets the nonces that can never be read back: those that the register does not have, that are not on their way
    /// to it, and that no reply under way shows.
    pub(crate) fn forget_unreadable(&mut self, now: u8) {
        let linked = match self.link {
            Link::ReadDone { record, .. } | Link::WriteDone { record, .. } => record.version,
            Link::Writing(write) => write.record.version,
            Link::Quiet | Link::Reading { .. } => ABSENT,
        };
        let ghost = self.ghost.map_or(ABSENT, |ghost| ghost.record.version);
        for sent in &mut self.sent {
            if ![now, linked, ghost].contains(&sent.version) {
                *sent = Sent::NONE;
            }
        }
    }
}

/// The holder's limit, counted from before sending.
fn time_left(rules: &Rules, age: u8) -> u8 {
    if rules.makes(Mistake::HolderCountsFromReply) { rules.hold } else { rules.hold - age }
}

fn acquire(rules: &Rules, old: Record, nonce: u8) -> Write {
    let reserved = if rules.makes(Mistake::SpanNotReserved) { 1 } else { rules.span };
    let record = Record { version: nonce, held: true, token: old.token + reserved };
    let condition = match rules.mistake {
        Some(Mistake::GenerationObjects) => Condition::Newest(old.token),
        _ => Condition::Version(old.version),
    };
    Write { purpose: Purpose::Acquire, condition, record }
}

fn take_over(rules: &Rules, old: Record, nonce: u8) -> Write {
    if rules.makes(Mistake::DeleteThenCreate) {
        return release(rules, old, nonce);
    }
    let mut write = acquire(rules, old, nonce);
    if rules.makes(Mistake::TokenKept) {
        write.record.token = old.token;
    }
    write
}

fn renew(rules: &Rules, old: Record, nonce: u8) -> Write {
    let record = Record { version: nonce, ..old };
    Write { purpose: Purpose::Renew, condition: own(rules, old), record }
}

/// The record is set free, never deleted: the next holder's token goes on from it.
fn release(rules: &Rules, old: Record, nonce: u8) -> Write {
    let record = Record { version: nonce, held: false, token: old.token };
    match rules.mistake {
        Some(Mistake::DeleteThenCreate) => {
            Write { purpose: Purpose::Release, condition: Condition::Always, record: Record::NONE }
        }
        _ => Write { purpose: Purpose::Release, condition: own(rules, old), record },
    }
}

fn own(rules: &Rules, old: Record) -> Condition {
    match rules.mistake {
        Some(Mistake::GenerationObjects) => Condition::Own(old.token),
        _ => Condition::Version(old.version),
    }
}
