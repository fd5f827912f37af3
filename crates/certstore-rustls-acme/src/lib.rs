#![doc = include_str!("../README.md")]

mod bundle;
mod cache;
#[cfg(test)]
mod gate;
mod held;
mod names;
mod retry;
mod slot;
mod task;

pub use cache::CertstoreCache;
pub use names::{account_key, cert_key};
