#![doc = include_str!("../README.md")]

mod error;
mod guard;
mod listing;
mod locker;
mod moving;
mod names;
mod snapshot;
mod storage;

pub use storage::CertstoreStorage;
