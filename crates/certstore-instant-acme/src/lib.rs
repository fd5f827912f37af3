#![doc = include_str!("../README.md")]

mod account;
mod attempts;
mod ca;
mod certificate;
mod chain;
mod chains;
mod challenge;
mod directory;
mod error;
mod http;
mod issuance;
mod limit;
mod names;
mod order;
mod pending;
mod private_key;
mod private_keys;
mod refresh;
mod renewal_info;
mod retry_after;
mod revoke;
mod server_name;
mod signed;
mod stored_challenges;
mod writer;

#[cfg(test)]
mod test_data;

pub use account::AccountStore;
pub use ca::Ca;
pub use certificate::Certificate;
pub use certstore_layers::caching::{RevocationReason, parse_revocation_reason};
pub use chain::PreferredChain;
pub use challenge::{ChallengeResponder, KeyAuthorization, PresentedChallenge};
pub use error::{Error, Result};
pub use issuance::{Issuance, Obtained, Origin};
pub use names::Names;
pub use pending::PendingOrder;
pub use private_key::{KeyType, PrivateKey};
pub use renewal_info::RenewalInfo;
pub use server_name::alpn_server_name;
pub use stored_challenges::{AlpnAnswer, StoredChallenges};
