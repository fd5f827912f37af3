//! The cases, a file a topic. Each bears the number of its clause.

pub(crate) mod batch;
pub(crate) mod batch_rules;
pub(crate) mod breaking;
pub(crate) mod capability;
pub(crate) mod cas;
pub(crate) mod cost;
pub(crate) mod delete;
pub(crate) mod error;
pub(crate) mod exclusion;
pub(crate) mod exists;
pub(crate) mod fence;
pub(crate) mod fenced_batch;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod lock;
pub(crate) mod secret;
pub(crate) mod stat;
pub(crate) mod store;
pub(crate) mod store_races;
pub(crate) mod takeover;
pub(crate) mod tokens;
pub(crate) mod trylock;
pub(crate) mod unlock;
pub(crate) mod walk;
pub(crate) mod watch;
