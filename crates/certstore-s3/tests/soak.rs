//! Locks on the loopback S3 server under fire, and what several clients see.

#[path = "support/own.rs"]
mod own;
mod support;

use std::time::Duration;

use certstore_conformance::loopback_s3::LoopbackS3;
use support::factory::SiteFactory;

/// Waiters look less often than elsewhere: here they are many, and would take the machine from those who hold.
fn factory() -> SiteFactory<Option<LoopbackS3>> {
    let mut factory = own::factory("s3", true);
    factory.poll = (Duration::from_millis(40), Duration::from_millis(160));
    factory
}

certstore_conformance::soak!(factory());
certstore_conformance::history!(factory());
