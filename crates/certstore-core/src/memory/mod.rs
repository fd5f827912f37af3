//! The memory backend: the whole contract within one process. For tests, and for what may end with the process.

mod register;
mod storage;
mod tree;

pub use storage::{MemoryConfig, MemoryStorage};

#[cfg(test)]
mod storage_tests;
