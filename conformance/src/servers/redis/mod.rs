//! Redis and Valkey: one server, a cluster, or a primary watched by sentinels.

mod cluster;
mod monitor;
mod sentinel;
mod server;

pub use cluster::{RedisCluster, RedisClusterOptions, shared_redis_cluster};
pub use sentinel::{RedisSentinel, RedisSentinelOptions};
pub use server::{RedisOptions, RedisServer, shared_redis, shared_valkey};
