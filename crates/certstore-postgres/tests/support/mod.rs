//! What the tests share.

#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses a part of it")]

pub(crate) mod canaries;
pub(crate) mod factory;
pub(crate) mod proxy;

use certstore_conformance::servers::PostgresServer;

/// Makes the database, unless it is there.
pub(crate) fn database(server: &PostgresServer, name: &str) {
    let found = server
        .sql("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'"))
        .expect("the server answers");
    if found.trim() == "0" {
        // Another process may have been quicker.
        drop(server.create_database(name));
    }
}
