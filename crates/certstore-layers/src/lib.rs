//! Layers over any [`Storage`](certstore_core::Storage): each is a storage itself, under the same contract.

pub mod caching;
pub mod seal;
