//! The contract with `stamped = true`, on the loopback S3 server: true versions and fenced writes.

#[path = "support/own.rs"]
mod own;
mod support;

certstore_conformance::conformance!(own::factory("s3, stamped", true));
