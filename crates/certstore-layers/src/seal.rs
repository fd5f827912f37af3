//! Encryption at rest: [`SealedStorage`] over any storage, under a Tink [`Keyset`].
//!
//! # A new store
//! Make a keyset, [`write`](Keyset::write) it to a file, and open the store with it everywhere. [`reseal`] on the empty
//! store marks it as wholly sealed, so that sizes are known without loading.
//!
//! # A store in plaintext
//! 1. Open it everywhere with [`accept_plaintext`](SealOptions::accept_plaintext): what is written is sealed, what is
//!    not sealed yet is read all the same.
//! 2. [`seal_in_place`] seals the rest, beside live writers.
//! 3. Open it everywhere without `accept_plaintext`.
//!
//! [`unseal`] leads back, in the reverse order.
//!
//! # A new key
//! 1. [`add`](Keyset::add) a key, and give the keyset to all processes.
//! 2. [`set_primary`](Keyset::set_primary), and give it to all again: now the new key seals.
//! 3. [`reseal`] brings what the old key has sealed under the new one.
//! 4. [`disable`](Keyset::disable) the old key; when nothing misses it, [`destroy`](Keyset::destroy) it.
//!
//! # Limits
//! Nonces are 96 random bits: at most 2^32 values under one key (NIST SP 800-38D, section 8.3), counted over all
//! processes. A store that writes one value a second for a year writes 2^25. A virtual machine that is resumed twice from one
//! snapshot draws from a random source that modern systems reseed, but only once they notice: rotate after that.

mod aead;
mod algorithm;
mod file;
mod json;
mod keyset;
mod marker;
mod options;
mod proto;
mod provider;
mod reseal;
mod rewrite;
mod storage;
mod wire;

pub use algorithm::{Algorithm, KeyStatus, OutputPrefix};
pub use file::Existing;
pub use keyset::{Keyset, KeysetKey};
pub use options::{SealOptions, StoreId};
pub use provider::{EnvironmentKeys, FileKeys, KeyProvider};
pub use reseal::{ResealOptions, ResealProgress, ResealReport, reseal, seal_in_place, unseal};
pub use storage::SealedStorage;
