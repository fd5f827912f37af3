#![doc = include_str!("../README.md")]

mod caddy;
mod config;
mod erase;
mod error;
mod native;
mod pool;
mod register;
mod schema;
mod storage;
mod wake;

pub use config::{Address, Layout, LockClock, Pooler, PostgresConfig, SCHEMES, SslMode, WakeUp};
pub use storage::PostgresStorage;
