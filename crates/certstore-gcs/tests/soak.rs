//! Locks on the loopback server under fire, and what several clients see.

#[path = "support/own.rs"]
mod own;
mod support;

use std::time::Duration;

use own::GcsFactory;

/// Waiters look less often than elsewhere: here they are many, and would take the machine from those who hold.
fn factory() -> GcsFactory {
    let mut factory = own::factory();
    factory.poll = (Duration::from_millis(40), Duration::from_millis(160));
    factory
}

certstore_conformance::soak!(factory());
certstore_conformance::history!(factory());
