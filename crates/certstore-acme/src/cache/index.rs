//! Which certificates are for which name: read by every handshake without a lock, changed by one writer at a time.

use std::net::IpAddr;
use std::sync::Arc;

use papaya::HashMap;
use rustls::sign::CertifiedKey;

use super::name::Name;
use super::ready::Ready;
use super::shelf::{Candidate, Schemes, Shelf};

/// Where the certificates of a name are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A DNS name.
    Name(&'a str),
    /// A wildcard, by the name that it is below.
    Below(&'a str),
    /// An IP address.
    Address(IpAddr),
}

impl<'a> Place<'a> {
    /// Of a name as certificates have it.
    pub(super) fn of(name: &'a str) -> Self {
        match (address(name), name.strip_prefix("*.")) {
            (Some(address), _) => Self::Address(address),
            (None, Some(above)) => Self::Below(above),
            (None, None) => Self::Name(name),
        }
    }

    /// Of the wildcard that covers the name.
    pub(super) fn wildcard(self) -> Option<Self> {
        let Self::Name(name) = self else { return None };
        name.split_once('.').map(|(_, above)| Self::Below(above))
    }
}

/// An IP address, which DNS names never look like: they do not end with a digit and have no colon.
fn address(name: &str) -> Option<IpAddr> {
    let may_be = name.ends_with(|last: char| last.is_ascii_digit()) || name.contains(':');
    may_be.then(|| name.parse().ok()).flatten()
}

/// One table a kind of name. What is ready follows from them.
#[derive(Debug, Default)]
pub(super) struct Index {
    ready: Ready,
    names: HashMap<Name, Shelf>,
    below: HashMap<Name, Shelf>,
    addresses: HashMap<IpAddr, Shelf>,
}

impl Index {
    /// What is served for a DNS name in lower case, if there is one certificate for it and that suits. `None` is no
    /// answer.
    pub(super) fn ready(
        &self,
        name: &str,
        offered: Schemes,
        now: u64,
    ) -> Option<Arc<CertifiedKey>> {
        self.ready.find(name, offered, now)
    }

    /// Whether somebody looked at a place since this was last asked.
    pub(super) fn take_mark(&self, place: Place<'_>) -> bool {
        let ready = matches!(place, Place::Name(name) if self.ready.take_mark(name));
        self.look(place, Shelf::take_mark).unwrap_or(false) | ready
    }

    /// Shows the shelf at a place, if there is one.
    pub(super) fn look<T>(&self, place: Place<'_>, look: impl FnOnce(&Shelf) -> T) -> Option<T> {
        match place {
            Place::Name(name) => self.names.pin().get(name.as_bytes()).map(look),
            Place::Below(name) => self.below.pin().get(name.as_bytes()).map(look),
            Place::Address(address) => self.addresses.pin().get(&address).map(look),
        }
    }

    /// Puts a certificate there, in one step with the removal of what it replaces.
    pub(super) fn put(&self, place: Place<'_>, candidate: Candidate, instead_of: &str) {
        let made = |old: Option<&Shelf>| Shelf::with(old, candidate, instead_of);
        match place {
            Place::Name(name) => {
                self.noted(name, || put(&self.names, Name::new(name), made));
            }
            Place::Below(name) => put(&self.below, Name::new(name), made),
            Place::Address(address) => put(&self.addresses, address, made),
        }
    }

    /// Takes a certificate away from there.
    pub(super) fn take(&self, place: Place<'_>, hash: &str) {
        match place {
            Place::Name(name) => {
                self.noted(name, || take(&self.names, Name::new(name), hash));
            }
            Place::Below(name) => take(&self.below, Name::new(name), hash),
            Place::Address(address) => take(&self.addresses, address, hash),
        }
    }

    /// Changes what there is for a name, and notes what follows.
    fn noted(&self, name: &str, change: impl FnOnce()) {
        let names = self.names.pin();
        let only = |shelf: &Shelf| shelf.only().map(|only| Arc::clone(&only.key));
        let before = names.get(name.as_bytes()).and_then(only);
        change();
        let shelf = names.get(name.as_bytes());
        if self.ready.take_mark(name) {
            shelf.inspect(|shelf| shelf.mark());
        }
        self.ready.set(name, before.as_ref(), shelf.and_then(Shelf::only));
    }
}

fn put<K>(table: &HashMap<K, Shelf>, key: K, made: impl FnOnce(Option<&Shelf>) -> Shelf)
where
    K: std::hash::Hash + Eq,
{
    let table = table.pin();
    let shelf = made(table.get(&key));
    table.insert(key, shelf);
}

fn take<K>(table: &HashMap<K, Shelf>, key: K, hash: &str)
where
    K: std::hash::Hash + Eq,
{
    let table = table.pin();
    match table.get(&key).map(|shelf| shelf.without(hash)) {
        Some(Some(left)) => drop(table.insert(key, left)),
        Some(None) => drop(table.remove(&key)),
        None => {}
    }
}
