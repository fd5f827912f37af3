//! Redis and Valkey: one server, a cluster, or a primary watched by sentinels.

mod monitor;
mod server;

pub use server::{RedisOptions, RedisServer, shared_redis};
