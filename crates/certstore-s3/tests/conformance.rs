//! The contract, on the loopback S3 server.

#[path = "support/own.rs"]
mod own;
mod support;

certstore_conformance::conformance!(own::factory("s3", false));
