//! The memory backend: the whole contract within one process. For tests, and for what may end with the process.

mod config;
mod register;
mod storage;
mod tree;
mod watch;

pub use config::MemoryConfig;
pub use storage::MemoryStorage;

#[cfg(test)]
mod storage_tests;
