//! One name for states that differ only in how nonces and tokens are numbered: it makes the state space finite without
//! a limit on time or on the number of acquisitions.
//!
//! Nonces are compared for equality only, so they are renumbered by first appearance. Tokens are compared for order, and
//! a new one follows that of the record it replaces, so they keep their order and gaps up to that step.

use crate::reduce::OUTDATED_LATER;
use crate::rules::Rules;
use crate::state::{ABSENT, Client, Condition, Event, Goal, Link, Sent, State};

/// Enough for every nonce in a state of three clients.
const NAMES: usize = 64;

/// The first nonce of a write; those below are not renamed.
const FIRST: u8 = OUTDATED_LATER + 1;

struct Names {
    new: [u8; NAMES],
    next: u8,
}

impl Names {
    fn rename(&mut self, version: &mut u8) {
        if *version < FIRST {
            return;
        }
        let name = &mut self.new[usize::from(*version)];
        if *name == ABSENT {
            *name = self.next;
            self.next += 1;
        }
        *version = *name;
    }
}

impl<const N: usize> State<N> {
    /// Renumbers; with `symmetric`, sorts the clients before.
    pub(crate) fn canonical(mut self, rules: &Rules, symmetric: bool) -> Self {
        if symmetric {
            self.sort_clients();
        }
        let mut names = Names { new: [ABSENT; NAMES], next: FIRST };
        names.rename(&mut self.record.version);
        for client in &mut self.clients {
            client.versions(|version| names.rename(version));
            client.sent.sort_unstable();
        }
        self.renumber_tokens(if rules.conditional() { rules.span } else { 2 });
        self
    }

    /// Clients are alike: which of them is the first is of no matter.
    fn sort_clients(&mut self) {
        let mut order: [usize; N] = std::array::from_fn(|c| c);
        order.sort_unstable_by_key(|c| &self.clients[*c]);
        if let Event::Released(released) = &mut self.event {
            *released = order.iter().position(|c| c == released).unwrap_or(*released);
        }
        self.clients = order.map(|c| self.clients[c]);
    }

    /// The smallest nonce that nothing in this state names.
    pub(crate) fn fresh_nonce(&mut self) -> u8 {
        let mut highest = self.record.version;
        for client in &mut self.clients {
            client.versions(|version| highest = highest.max(*version));
        }
        FIRST.max(highest + 1)
    }

    fn renumber_tokens(&mut self, widest: u8) {
        let mut used = 0_u64;
        self.tokens(|token| used |= 1 << *token);
        let mut new = [0_u8; 64];
        let (mut last, mut name) = (0, 0);
        used &= !1;
        while used != 0 {
            let token = used.trailing_zeros();
            name += if token - last > 1 { widest } else { 1 };
            new[token as usize] = name;
            last = token;
            used &= used - 1;
        }
        self.tokens(|token| *token = new[usize::from(*token)]);
    }

    fn tokens(&mut self, mut each: impl FnMut(&mut u8)) {
        each(&mut self.record.token);
        each(&mut self.granted);
        each(&mut self.stored);
        for client in &mut self.clients {
            client.tokens(&mut each);
        }
    }
}

impl Client {
    fn versions(&mut self, mut each: impl FnMut(&mut u8)) {
        if let Some(known) = &mut self.known {
            each(&mut known.record.version);
        }
        let linked = match &mut self.link {
            Link::Writing(write) => Some(write),
            Link::ReadDone { record, .. } | Link::WriteDone { record, .. } => {
                each(&mut record.version);
                None
            }
            Link::Quiet | Link::Reading { .. } => None,
        };
        for write in linked.into_iter().chain(&mut self.ghost) {
            each(&mut write.record.version);
            if let Condition::Version(version) = &mut write.condition {
                each(version);
            }
        }
        for Sent { version, .. } in &mut self.sent {
            each(version);
        }
        if let Some(nonce) = &mut self.late_reply {
            each(nonce);
        }
    }

    fn tokens(&mut self, each: &mut impl FnMut(&mut u8)) {
        if let Goal::Hold(guard) = &mut self.goal {
            each(&mut guard.token);
        }
        if let Some(known) = &mut self.known {
            each(&mut known.record.token);
        }
        let linked = match &mut self.link {
            Link::Writing(write) => Some(write),
            Link::ReadDone { record, .. } | Link::WriteDone { record, .. } => {
                each(&mut record.token);
                None
            }
            Link::Quiet | Link::Reading { .. } => None,
        };
        for write in linked.into_iter().chain(&mut self.ghost) {
            each(&mut write.record.token);
            if let Condition::Newest(token) | Condition::Own(token) = &mut write.condition {
                each(token);
            }
        }
        if let Some(token) = &mut self.storing {
            each(token);
        }
    }
}
