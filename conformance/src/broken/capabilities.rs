//! Faults of declarations.

use std::sync::atomic::{AtomicU64, Ordering};

use certstore_core::{Capabilities, Storage as _};

use super::fault::{Fault, Handle};

#[derive(Default)]
pub(super) struct UndeclaredWatch;

impl Fault for UndeclaredWatch {
    fn capabilities(&self, at: &Handle) -> Capabilities {
        let mut capabilities = at.inner.capabilities();
        capabilities.watch = false;
        capabilities
    }
}

#[derive(Default)]
pub(super) struct Wavers(AtomicU64);

impl Fault for Wavers {
    fn capabilities(&self, at: &Handle) -> Capabilities {
        let mut capabilities = at.inner.capabilities();
        capabilities.max_value = Some((1 << 40) + self.0.fetch_add(1, Ordering::Relaxed));
        capabilities
    }
}

#[derive(Default)]
pub(super) struct TwiceTheTrips;

impl Fault for TwiceTheTrips {
    fn round_trips(&self, made: Option<u64>) -> Option<u64> {
        made.map(|made| made * 2)
    }
}
