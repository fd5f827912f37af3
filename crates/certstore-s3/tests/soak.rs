//! Locks on the loopback S3 server under fire, and what several clients see.

#[path = "support/own.rs"]
mod own;
mod support;

certstore_conformance::soak!(own::factory("s3", true));
certstore_conformance::history!(own::factory("s3", true));
