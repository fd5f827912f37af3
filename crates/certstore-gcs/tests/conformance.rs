//! The contract, on the loopback server.

#[path = "support/own.rs"]
mod own;
mod support;

certstore_conformance::conformance!(own::factory());
