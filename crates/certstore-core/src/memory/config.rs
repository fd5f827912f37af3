//! The settings of the memory backend.

use std::time::Duration;

/// The settings of a [`MemoryStorage`](crate::MemoryStorage).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MemoryConfig {
    /// How long a lock outlives a holder that does not renew it. Default 15 s, at least 100 ms.
    pub lease: Duration,
    /// The largest value in bytes; `None` for no limit.
    pub max_value: Option<u64>,
    /// How often a lock is handed to the next task of the same handle before others get their chance. Default 8.
    pub handovers: u32,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { lease: Duration::from_secs(15), max_value: None, handovers: 8 }
    }
}
