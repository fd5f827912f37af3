//! The contract with `stamped = true`, on the loopback S3 server: true versions and fenced writes.

#[path = "support/loopback.rs"]
mod loopback;
mod support;

certstore_conformance::conformance!(loopback::factory("s3, stamped", true));
