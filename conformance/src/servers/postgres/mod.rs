//! PostgreSQL, and PgBouncer before it.

mod server;

pub use server::{PostgresOptions, PostgresServer, shared_postgres};
