//! PostgreSQL, and PgBouncer before it.

mod bouncer;
mod server;

pub use bouncer::PgBouncer;
pub use server::{PostgresOptions, PostgresServer, shared_postgres};
