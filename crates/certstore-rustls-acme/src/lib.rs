#![doc = include_str!("../README.md")]

mod bundle;
mod cache;
mod held;
mod names;
mod retry;
mod slot;
mod task;

pub use cache::CertstoreCache;
pub use names::{account_key, cert_key};
