//! What can have no effect any more, and is dropped to keep the state space small.
//!
//! All of it follows from one thing: a version that was replaced never comes back. That does not hold for most broken
//! variants, which are checked without; so is the protocol itself once, in a smaller space.

use crate::state::{ABSENT, Client, Condition, Goal, Link, Record, State};

/// What a client knows was replaced since.
const OUTDATED: u8 = 1;
/// What a reply shows was replaced since, and is not what the client knew before.
pub(crate) const OUTDATED_LATER: u8 = 2;

impl<const N: usize> State<N> {
    /// Drops what can have no effect.
    pub(crate) fn reduce(&mut self) {
        let now = self.record.version;
        for client in &mut self.clients {
            // A write that replaces an outdated version.
            client.ghost = client.ghost.filter(|ghost| ghost.condition == Condition::Version(now));
        }
        self.forget_unreadable();
        for client in &mut self.clients {
            client.outdate(now);
            client.forget_needless_ages();
        }
    }

    /// Forgets nonces that can never be read back, in every model: a client has room for three.
    pub(crate) fn forget_unreadable(&mut self) {
        for client in &mut self.clients {
            client.forget_unreadable(self.record.version);
        }
    }
}

impl Client {
    /// A version that was replaced never comes back: no write that names it takes effect, and no token made from it is
    /// granted. What is left of it is whether two replies to this client showed the same.
    fn outdate(&mut self, now: u8) {
        let base = self.known.map_or(now, |known| known.record.version);
        let outdate = |record: &mut Record| {
            if record.version != now {
                record.version = if record.version == base { OUTDATED } else { OUTDATED_LATER };
                record.token = 0;
            }
        };
        if let Some(known) = &mut self.known {
            outdate(&mut known.record);
        }
        match &mut self.link {
            Link::ReadDone { record, .. } | Link::WriteDone { record, applied: true } => {
                let old = record.version;
                outdate(record);
                let own = self
                    .sent
                    .iter_mut()
                    .filter(|sent| sent.version != ABSENT && sent.version == old);
                own.for_each(|sent| sent.version = record.version);
            }
            Link::Writing(write) if write.condition != Condition::Version(now) => {
                write.condition = Condition::Version(OUTDATED);
                write.record.token = 0;
            }
            _ => {}
        }
        if let Goal::Hold(guard) = &mut self.goal
            && guard.lost
        {
            guard.token = 0;
        }
    }

    /// The age of a write matters while it can make a guard, or prolong one.
    fn forget_needless_ages(&mut self) {
        let needed = match self.goal {
            Goal::Lock => true,
            Goal::Hold(guard) => !guard.lost,
            Goal::Unlock => false,
        };
        if !needed {
            self.sent.iter_mut().for_each(|sent| sent.age = 0);
        }
    }
}
