//! The real program on Redis, PostgreSQL and S3: the same commands by another config, copies between them, and what
//! goes wrong with servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod copying;
mod credentials;
mod doctor;
mod layouts;
mod locking;
mod obstacles;
mod places;
mod program;
mod refusals;
mod schema;
mod sealed;
mod suite;
#[expect(dead_code, reason = "the tests of files use more of it")]
#[path = "../cli/support.rs"]
mod support;
