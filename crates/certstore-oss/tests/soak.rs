//! Locks on the loopback OSS server under fire, and what several clients see.

mod support;

use std::time::Duration;

use support::factory::LoopbackFactory;

/// Waiters look less often than elsewhere: here they are many, and would take the machine from those who hold. Logs are
/// short, so that they end and go on many times.
fn factory() -> LoopbackFactory {
    let mut factory = LoopbackFactory::new("oss");
    factory.poll = (Duration::from_millis(40), Duration::from_millis(160));
    factory.rotate_at = 4 << 10;
    factory
}

certstore_conformance::soak!(factory());
certstore_conformance::history!(factory());
