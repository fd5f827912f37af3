//! One key of session tickets.

use std::fmt;

use certstore_core::{Error, ErrorKind, Result};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

/// Names a key in the tickets that it has sealed.
pub(super) const ID: usize = 16;
/// AES-256.
pub(super) const SECRET: usize = 32;
/// A ticket's length stands in two bytes.
const LONGEST: usize = u16::MAX as usize;

/// A ticket is the id of its key, a random nonce, and the session, sealed by AES-256-GCM with the id authenticated.
///
/// ring does not wipe the form of a key that it works with, so none is kept: it is made for each ticket.
pub(super) struct TicketKey {
    pub(super) id: [u8; ID],
    /// When it was made, in seconds since 1970 by its maker's clock.
    pub(super) created: u64,
    pub(super) secret: Zeroizing<[u8; SECRET]>,
}

impl TicketKey {
    /// A new one.
    ///
    /// # Errors
    /// [`ErrorKind::Other`]: the machine gives no randomness.
    pub(super) fn generate(created: u64) -> Result<Self> {
        let mut key = Self { id: [0; ID], created, secret: Zeroizing::new([0; SECRET]) };
        let random = SystemRandom::new();
        let filled = random.fill(&mut key.id).and_then(|()| random.fill(&mut *key.secret));
        filled.map_err(|error| {
            Error::new(ErrorKind::Other, "no key for session tickets could be made")
                .with_source(error)
        })?;
        Ok(key)
    }

    /// The ticket of a session; `None` when there is no randomness, or it is too long.
    pub(super) fn seal(&self, session: &[u8]) -> Option<Vec<u8>> {
        let length = ID + NONCE_LEN + session.len() + AES_256_GCM.tag_len();
        if length > LONGEST {
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut ticket = Vec::with_capacity(length);
        ticket.extend_from_slice(&self.id);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(session);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = ticket.get_mut(ID + NONCE_LEN..)?;
        let tag =
            self.cipher()?.seal_in_place_separate_tag(nonce, Aad::from(&self.id), sealed).ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    /// The session of a ticket; `None` when it is none of this key.
    pub(super) fn open(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (id, rest) = ticket.split_at_checked(ID)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        if id != self.id {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut session = sealed.to_vec();
        let length =
            self.cipher()?.open_in_place(nonce, Aad::from(&self.id), &mut session).ok()?.len();
        session.truncate(length);
        Some(session)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &*self.secret).ok().map(LessSafeKey::new)
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKey").field("created", &self.created).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
