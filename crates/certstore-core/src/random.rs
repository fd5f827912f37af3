//! Randomness, injected: nonces and jitter.

use std::fmt;

/// A source of random numbers. Tests bring a seeded one.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// 128 random bits.
    fn next_u128(&self) -> u128;

    /// A number in `0.0..1.0`, for jitter.
    fn next_unit(&self) -> f64 {
        let bits = (self.next_u128() >> 75) as u64; // 53 bits: what an f64 holds exactly
        bits as f64 / (1_u64 << 53) as f64
    }
}

/// The operating system's source.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn next_u128(&self) -> u128 {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .expect("the operating system gives random numbers once it has booted");
        u128::from_le_bytes(bytes)
    }
}
