//! Locks on the loopback server under fire, and what several clients see. The count of versions is off, here and there.

#[path = "support/own.rs"]
mod own;
mod support;

use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::LoopbackSecretsManager;
use certstore_secretsmanager::Deleting;
use support::factory::SiteFactory;

/// Waiters look less often than elsewhere: here they are many, and would take the machine from those who hold.
fn factory() -> SiteFactory<Option<LoopbackSecretsManager>> {
    let mut factory = own::factory("secretsmanager", Deleting::Force);
    factory.poll = (Duration::from_millis(40), Duration::from_millis(160));
    factory
}

certstore_conformance::soak!(factory());
certstore_conformance::history!(factory());
