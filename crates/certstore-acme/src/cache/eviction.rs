//! Which certificate goes when there are too many: one that nobody has asked for lately.

use crate::Certificate;

/// The managed certificates in a ring, and a hand that goes round it (the clock algorithm, which comes close to the
/// least recent use): what was looked up since the hand last passed is passed over once more. A lookup only notes
/// that it was there, so it needs no lock and moves nothing.
#[derive(Debug, Default)]
pub(super) struct Ring {
    held: Vec<Certificate>,
    hand: usize,
}

impl Ring {
    /// Adds one; gives its place.
    pub(super) fn push(&mut self, certificate: Certificate) -> usize {
        self.held.push(certificate);
        self.held.len() - 1
    }

    /// Puts one in the place of another, which it gives back.
    pub(super) fn replace(
        &mut self,
        place: usize,
        certificate: Certificate,
    ) -> Option<Certificate> {
        self.held.get_mut(place).map(|held| std::mem::replace(held, certificate))
    }

    /// Takes one away. The last one moves into its place and is given back, for its new place to be noted.
    pub(super) fn remove(&mut self, place: usize) -> Option<&Certificate> {
        if place < self.held.len() {
            self.held.swap_remove(place);
        }
        self.held.get(place)
    }

    /// The one to go; `None` when there is none. `was_used` tells whether it was looked up since it was last asked
    /// about.
    pub(super) fn victim(
        &mut self,
        was_used: impl Fn(&Certificate) -> bool,
    ) -> Option<&Certificate> {
        let held = self.held.len();
        // Two rounds: readers that mark faster than the hand goes do not stop it.
        for _ in 0..2 * held {
            let place = self.hand % held;
            self.hand = place + 1;
            if !was_used(&self.held[place]) {
                return self.held.get(place);
            }
        }
        self.held.get(self.hand.min(held).checked_sub(1)?)
    }
}
