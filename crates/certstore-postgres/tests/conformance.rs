//! The contract, on a PostgreSQL server.

mod support;

use certstore_conformance::conformance;
use certstore_conformance::servers::PostgresServer;
use support::factory::{PostgresFactory, Variant};

const PLAIN: Variant =
    Variant { name: "postgres", port: PostgresServer::port, options: &[], env: Vec::new };

conformance!(PostgresFactory::new(PLAIN));
