//! Locks on the loopback S3 server under fire, and what several clients see.

#[path = "support/loopback.rs"]
mod loopback;
mod support;

certstore_conformance::soak!(loopback::factory("s3", true));
certstore_conformance::history!(loopback::factory("s3", true));
