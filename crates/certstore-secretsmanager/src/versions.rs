//! Version ids. The writer of a version chooses its id, and that alone tells what it is: a value, an empty one, the sign
//! of a deleted one, a lock's record; and under which lock it was written.
//!
//! `cs1`, a letter for the kind, then `-` and 32 hexadecimal digits of chance; or `f`, 20 digits of chance, 26 of the
//! lock and 13 of the token, in base 32: the 64 characters that an id can have. Any other id is some other program's
//! value.

use certstore_core::{Lock, OsRandom, Random as _};
use ring::digest;

/// What every id of ours begins with.
const BEGIN: &str = "cs1";

/// Digits of base 32 (RFC 4648, section 6), in lower case.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// How many of them stand for a nonce of 96 bits, a digest of 128, a token of 64.
const NONCE: usize = 20;
const DIGEST: usize = 26;
const TOKEN: usize = 13;

/// What a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value, also of other programs.
    Value,
    /// A value without bytes, which the service cannot keep as such.
    Empty,
    /// The value is deleted.
    Tombstone,
    /// A lock's record.
    Lock,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Self::Value => 'v',
            Self::Empty => 'e',
            Self::Tombstone => 't',
            Self::Lock => 'l',
        }
    }

    fn of_letter(letter: char) -> Option<Self> {
        [Self::Value, Self::Empty, Self::Tombstone, Self::Lock]
            .into_iter()
            .find(|kind| kind.letter() == letter)
    }
}

/// The lock that a value was written under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FenceStamp {
    /// Half a SHA-256 of locker and name: only equality counts.
    lock: u128,
    token: u64,
}

impl FenceStamp {
    pub(crate) fn of(guard: &Lock) -> Self {
        // No lock name has a NUL, so the two cannot run into one another.
        let lock = format!("{}\0{}", guard.name(), guard.locker_id().as_str());
        let digest = digest::digest(&digest::SHA256, lock.as_bytes());
        let half = digest.as_ref().first_chunk().copied().unwrap_or_default();
        Self { lock: u128::from_be_bytes(half), token: guard.token().0 }
    }

    pub(crate) fn is_same_lock(&self, other: &Self) -> bool {
        self.lock == other.lock
    }

    /// Whether a newer holder of the same lock has written.
    pub(crate) fn refuses(&self, other: &Self) -> bool {
        self.is_same_lock(other) && self.token > other.token
    }
}

/// A new id, unlike any other.
pub(crate) fn fresh(kind: Kind, stamp: Option<&FenceStamp>) -> String {
    let nonce = OsRandom.next_u128();
    match stamp {
        None => with_nonce(kind, nonce),
        Some(stamp) => {
            let mut id = format!("{BEGIN}{}f", kind.letter());
            push(&mut id, nonce, NONCE);
            push(&mut id, stamp.lock, DIGEST);
            push(&mut id, stamp.token.into(), TOKEN);
            id
        }
    }
}

/// The id of a lock's record, which has a nonce of its own: written twice it is still one.
pub(crate) fn of_record(write: u128) -> String {
    with_nonce(Kind::Lock, write)
}

fn with_nonce(kind: Kind, nonce: u128) -> String {
    format!("{BEGIN}{}-{nonce:032x}", kind.letter())
}

/// What an id says.
pub(crate) fn kind(id: &str) -> Kind {
    parse(id).map_or(Kind::Value, |(kind, _)| kind)
}

/// The stamp of a version that was written under a lock.
pub(crate) fn stamp(id: &str) -> Option<FenceStamp> {
    parse(id).and_then(|(_, stamp)| stamp)
}

/// Whether the service can have a version of that id.
pub(crate) fn is_possible(id: &str) -> bool {
    (32..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn parse(id: &str) -> Option<(Kind, Option<FenceStamp>)> {
    let mut rest = id.strip_prefix(BEGIN)?.chars();
    let kind = Kind::of_letter(rest.next()?)?;
    match (rest.next()?, rest.as_str()) {
        ('-', nonce) if nonce.len() == 32 && u128::from_str_radix(nonce, 16).is_ok() => {
            Some((kind, None))
        }
        ('f', rest) if rest.len() == NONCE + DIGEST + TOKEN && rest.is_ascii() => {
            let (_, rest) = rest.split_at(NONCE);
            let (lock, token) = rest.split_at(DIGEST);
            let token = u64::try_from(number(token)?).ok()?;
            Some((kind, Some(FenceStamp { lock: number(lock)?, token })))
        }
        _ => None,
    }
}

/// The lowest bits of a number, in so many digits.
fn push(text: &mut String, number: u128, digits: usize) {
    for at in (0..digits).rev() {
        let bits = usize::try_from(number >> (5 * at) & 31).unwrap_or_default();
        text.push(char::from(DIGITS[bits]));
    }
}

fn number(text: &str) -> Option<u128> {
    text.bytes().try_fold(0_u128, |number, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        number.checked_mul(32)?.checked_add(u128::try_from(digit).ok()?)
    })
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
