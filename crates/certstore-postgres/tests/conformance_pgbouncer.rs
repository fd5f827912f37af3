//! The contract, behind PgBouncer in transaction mode.

mod support;

use std::sync::LazyLock;

use certstore_conformance::conformance;
use certstore_conformance::servers::{PgBouncer, PostgresServer};
use support::factory::{PostgresFactory, Variant};

/// Names the pooler's port in worker processes.
const PORT_ENV: &str = "CERTSTORE_TEST_PGBOUNCER";

static POOLER: LazyLock<(u16, Option<PgBouncer>)> = LazyLock::new(|| {
    if let Ok(port) = std::env::var(PORT_ENV) {
        return (port.parse().expect("a port"), None);
    }
    let server = certstore_conformance::servers::shared_postgres().expect("a PostgreSQL server");
    let pooler = PgBouncer::start(server).expect("PgBouncer");
    (pooler.port(), Some(pooler))
});

fn port(_server: &PostgresServer) -> u16 {
    POOLER.0
}

fn env() -> Vec<(String, String)> {
    vec![(PORT_ENV.to_owned(), POOLER.0.to_string())]
}

const POOLED: Variant = Variant {
    name: "postgres, pooler = transaction",
    port,
    options: &[("pooler", "transaction")],
    env,
};

conformance!(PostgresFactory::new(POOLED));
