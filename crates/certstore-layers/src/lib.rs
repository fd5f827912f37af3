//! Layers over any [`Storage`](certstore_core::Storage): each is a storage itself, under the same contract.
//!
//! The features `caching` and `seal`, both on by default, bring the modules of those names.

#[cfg(feature = "caching")]
pub mod caching;
mod exact;
pub mod prefix;
pub mod read_only;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(test)]
mod test_clock;
pub mod trace;

pub use exact::stat_exact;
