//! The contract, on the loopback OSS server.

mod support;

certstore_conformance::conformance!(support::factory::LoopbackFactory::new("oss"));
