//! The contract, on the loopback S3 server.

#[path = "support/loopback.rs"]
mod loopback;
mod support;

certstore_conformance::conformance!(loopback::factory("s3", false));
