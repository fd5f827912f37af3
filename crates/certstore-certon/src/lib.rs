#![doc = include_str!("../README.md")]

mod error;
mod held;
mod storage;

pub use storage::CertstoreStorage;
