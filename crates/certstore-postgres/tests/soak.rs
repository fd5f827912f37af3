//! Locks on PostgreSQL under fire, and what several clients see.

mod support;

use certstore_conformance::servers::PostgresServer;
use support::factory::{PostgresFactory, Variant};

const PLAIN: Variant =
    Variant { name: "postgres", port: PostgresServer::port, options: &[], env: Vec::new };

certstore_conformance::soak!(PostgresFactory::new(PLAIN));
certstore_conformance::history!(PostgresFactory::new(PLAIN));
