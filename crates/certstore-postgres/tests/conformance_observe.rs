//! The contract, with leases that each waiter watches on its own clock.

mod support;

use certstore_conformance::conformance;
use certstore_conformance::servers::PostgresServer;
use support::factory::{PostgresFactory, Variant};

const OBSERVE: Variant = Variant {
    name: "postgres, lock_clock = observe",
    port: PostgresServer::port,
    options: &[("lock_clock", "observe"), ("layout", "certstore")],
    env: Vec::new,
};

conformance!(PostgresFactory::new(OBSERVE));
