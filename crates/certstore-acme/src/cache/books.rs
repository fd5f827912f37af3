//! What a cache holds, as its writers keep it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use crate::Certificate;

use super::eviction::Ring;

/// A certificate that is found by its hash.
#[derive(Debug)]
struct Held(Certificate);

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.0.hash() == other.0.hash()
    }
}

impl Eq for Held {}

impl Hash for Held {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash().hash(state);
    }
}

impl Borrow<str> for Held {
    fn borrow(&self) -> &str {
        self.0.hash()
    }
}

/// All certificates by hash; the managed ones with their places in the ring.
#[derive(Debug, Default)]
pub(super) struct Books {
    held: HashMap<Held, Option<usize>>,
    ring: Ring,
}

impl Books {
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn get(&self, hash: &str) -> Option<&Certificate> {
        self.held.get_key_value(hash).map(|(held, _)| &held.0)
    }

    pub(super) fn all(&self) -> Vec<Certificate> {
        self.held.keys().map(|held| held.0.clone()).collect()
    }

    /// Adds one that is not there.
    pub(super) fn add(&mut self, certificate: Certificate) {
        let managed = certificate.issuer().is_some();
        let place = managed.then(|| self.ring.push(certificate.clone()));
        self.held.insert(Held(certificate), place);
    }

    /// Puts one in the place of another: what was in use counts as in use.
    pub(super) fn replace(&mut self, hash: &str, certificate: Certificate) -> Option<Certificate> {
        let (old, place) = self.held.remove_entry(hash)?;
        match place {
            Some(place) if certificate.issuer().is_some() => {
                self.ring.replace(place, certificate.clone());
                self.held.insert(Held(certificate), Some(place));
            }
            place => {
                self.leave(place);
                self.add(certificate);
            }
        }
        Some(old.0)
    }

    pub(super) fn remove(&mut self, hash: &str) -> Option<Certificate> {
        let (old, place) = self.held.remove_entry(hash)?;
        self.leave(place);
        Some(old.0)
    }

    /// The hash of the one to go; `None` when there is no managed one.
    pub(super) fn victim(&mut self, was_used: impl Fn(&Certificate) -> bool) -> Option<String> {
        self.ring.victim(was_used).map(|victim| victim.hash().to_owned())
    }

    fn leave(&mut self, place: Option<usize>) {
        let Some(place) = place else { return };
        if let Some(moved) = self.ring.remove(place)
            && let Some(noted) = self.held.get_mut(moved.hash())
        {
            *noted = Some(place);
        }
    }
}
