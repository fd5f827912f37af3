#![doc = include_str!("../README.md")]

mod config;
mod error;
mod pool;
mod schema;

pub use config::{Address, Layout, LockClock, Pooler, PostgresConfig, SCHEMES, SslMode, WakeUp};
