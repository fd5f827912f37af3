//! Answers that need no thought: of names that have one certificate, close together in memory.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::sign::CertifiedKey;

use super::shelf::{Candidate, Schemes};

/// How many lines a table has at first.
const LINES: usize = 8;
/// In how many lines an answer may be: the one that the name's hash tells, and those after it.
const REACH: usize = 4;

/// The tag of an empty slot.
const EMPTY: u64 = 0;
/// Of a slot's state: somebody looked. The schemes are below it.
const USED: u64 = 1 << 16;
/// Of a slot's state: it is being changed. Counted up twice a change, so the bits above it tell how often it was.
const CHANGING: u64 = 1 << 32;

/// What is served for names that have one certificate.
///
/// Among a million names a lookup waits for memory, or for caches that are far away: once for each place that it reads.
/// Here lies all that it takes to choose in half a line of the processor's cache, so a lookup reads that and the counter
/// of the key that it gives away. What is not here, or is just being changed, or does not suit, is looked up where all
/// certificates are: so nobody waits, not every name needs to find room, and answers can be moved one by one.
///
/// Names are told apart by 64 bits of a keyed hash. Two names here that have the same are found out, and none of them is
/// here. Of names that have no certificate, among a million that have, one of 10^13 is taken for another and shown its
/// certificate, which a client refuses; nobody can find out which.
#[derive(Debug)]
pub(super) struct Ready {
    table: ArcSwap<Table>,
    hasher: RandomState,
    /// The tags that several names have.
    shared: Mutex<HashSet<u64>>,
}

impl Default for Ready {
    fn default() -> Self {
        let table = ArcSwap::from_pointee(Table::new(LINES));
        Self { table, hasher: RandomState::new(), shared: Mutex::default() }
    }
}

impl Ready {
    /// What is served for a name in lower case, if it suits: the client can check its signature, and it is valid.
    /// `None` is no answer.
    pub(super) fn find(&self, name: &str, offered: Schemes, now: u64) -> Option<Arc<CertifiedKey>> {
        self.find_tag(self.tag(name), offered, now)
    }

    fn find_tag(&self, tag: u64, offered: Schemes, now: u64) -> Option<Arc<CertifiedKey>> {
        for line in self.table.load().lines_of(tag) {
            for slot in &line.0 {
                match slot.tag.load(Ordering::Acquire) {
                    found if found == tag => return slot.key(tag, offered, now),
                    // What lies behind a gap, where another one has gone, is looked up elsewhere.
                    EMPTY => return None,
                    _ => {}
                }
            }
        }
        None
    }

    /// Notes the only certificate of a name, and what that was `before`; `None`: it has none or several. By one thread at a
    /// time.
    pub(super) fn set(
        &self,
        name: &str,
        before: Option<&Arc<CertifiedKey>>,
        only: Option<&Candidate>,
    ) {
        self.set_tag(self.tag(name), before, only);
    }

    fn set_tag(&self, tag: u64, before: Option<&Arc<CertifiedKey>>, only: Option<&Candidate>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.contains(&tag) {
            return;
        }
        let table = self.table.load_full();
        if table.slot_with(tag, tag).is_some_and(|slot| !slot.holds(before)) {
            // It is another name's.
            shared.insert(tag);
            return table.clear(tag);
        }
        match only.map(Answer::of) {
            Some(answer) if table.is_full() => self.grow(&table).put(tag, answer),
            Some(answer) => table.put(tag, answer),
            None => table.clear(tag),
        }
    }

    /// Whether somebody looked since this was last asked.
    pub(super) fn take_mark(&self, name: &str) -> bool {
        let tag = self.tag(name);
        self.table.load().slot_with(tag, tag).is_some_and(Slot::take_mark)
    }

    /// Who looks into the old table meanwhile finds answers or none, and looks elsewhere.
    fn grow(&self, old: &Table) -> Arc<Table> {
        let new = Arc::new(Table::new(old.lines.len() * 2));
        self.table.store(Arc::clone(&new));
        for slot in old.lines.iter().flat_map(|line| &line.0) {
            if let Some(answer) = slot.take() {
                new.put(slot.tag.load(Ordering::Relaxed), answer);
            }
        }
        new
    }

    fn tag(&self, name: &str) -> u64 {
        self.hasher.hash_one(name).max(EMPTY + 1)
    }
}

/// At most half full.
#[derive(Debug)]
struct Table {
    /// A power of two of them.
    lines: Box<[Line]>,
    filled: AtomicUsize,
}

/// What comes from memory at once.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([Slot; 2]);

impl Table {
    fn new(lines: usize) -> Self {
        let lines = std::iter::repeat_with(Line::default).take(lines).collect();
        Self { lines, filled: AtomicUsize::new(0) }
    }

    fn is_full(&self) -> bool {
        self.filled.load(Ordering::Relaxed) >= self.lines.len()
    }

    fn lines_of(&self, tag: u64) -> impl Iterator<Item = &Line> {
        let first = (tag >> 32) as usize;
        (first..first + REACH).map(|line| &self.lines[line & (self.lines.len() - 1)])
    }

    /// The first slot with the tag `wanted` of those where the answer for `tag` may be.
    fn slot_with(&self, tag: u64, wanted: u64) -> Option<&Slot> {
        let mut slots = self.lines_of(tag).flat_map(|line| &line.0);
        slots.find(|slot| slot.tag.load(Ordering::Relaxed) == wanted)
    }

    /// Without room it is left out.
    fn put(&self, tag: u64, answer: Answer) {
        if let Some(slot) = self.slot_with(tag, tag) {
            slot.change(tag, Some(answer));
        } else if let Some(slot) = self.slot_with(tag, EMPTY) {
            slot.change(tag, Some(answer));
            self.filled.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn clear(&self, tag: u64) {
        if let Some(slot) = self.slot_with(tag, tag) {
            slot.change(EMPTY, None);
            self.filled.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a slot holds.
struct Answer {
    /// From when to when it is valid: seconds since 1970, 32 bits each.
    times: u64,
    /// The schemes it signs with, and whether it was [`USED`].
    state: u64,
    key: Arc<CertifiedKey>,
}

impl Answer {
    fn of(candidate: &Candidate) -> Self {
        let short = |time: u64| time.min(u64::from(u32::MAX));
        Self {
            times: short(candidate.not_before) << 32 | short(candidate.not_after),
            state: candidate.schemes.bits(),
            key: Arc::clone(&candidate.key),
        }
    }
}

#[derive(Debug, Default)]
struct Slot {
    tag: AtomicU64,
    times: AtomicU64,
    state: AtomicU64,
    key: ArcSwapOption<CertifiedKey>,
}

impl Slot {
    /// The parts belong together if the state is the same before and after they are read.
    fn key(&self, tag: u64, offered: Schemes, now: u64) -> Option<Arc<CertifiedKey>> {
        let state = self.state.load(Ordering::Acquire);
        let times = self.times.load(Ordering::Acquire);
        let is_valid = times >> 32 <= now && now < times & u64::from(u32::MAX);
        if state & CHANGING != 0 || state & offered.bits() == 0 || !is_valid {
            return None;
        }
        let key = self.key.load_full()?;
        let is_same = self.tag.load(Ordering::Acquire) == tag
            && self.state.load(Ordering::Acquire) | USED == state | USED;
        // Written once between two rounds of eviction, as by everybody who looks.
        if state & USED == 0 {
            self.state.fetch_or(USED, Ordering::Relaxed);
        }
        is_same.then_some(key)
    }

    fn change(&self, tag: u64, answer: Option<Answer>) {
        let (times, new, key) =
            answer.map_or((0, 0, None), |answer| (answer.times, answer.state, Some(answer.key)));
        let changing = self.state.load(Ordering::Relaxed) & !(CHANGING - 1) | CHANGING;
        self.state.store(changing, Ordering::Relaxed);
        // Who sees any of these sees that it is changing, or that it was changed.
        self.tag.store(tag, Ordering::Release);
        self.times.store(times, Ordering::Release);
        self.key.store(key);
        self.state.store(changing.wrapping_add(CHANGING) | new, Ordering::Release);
    }

    fn holds(&self, key: Option<&Arc<CertifiedKey>>) -> bool {
        let held = self.key.load();
        held.as_ref().zip(key).is_some_and(|(held, key)| Arc::ptr_eq(held, key))
    }

    /// Takes the answer away, and leaves the tag.
    fn take(&self) -> Option<Answer> {
        let key = self.key.swap(None)?;
        let state = self.state.load(Ordering::Relaxed) & (CHANGING - 1);
        Some(Answer { times: self.times.load(Ordering::Relaxed), state, key })
    }

    fn take_mark(&self) -> bool {
        self.state.fetch_and(!USED, Ordering::Relaxed) & USED != 0
    }
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;
