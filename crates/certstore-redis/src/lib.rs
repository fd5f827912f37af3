#![doc = include_str!("../README.md")]

mod caddy;
mod cause;
mod config;
mod connection;
mod erase;
mod error;
mod foreign;
mod register;
mod script;
mod storage;
mod tree;

pub use config::{Address, Compression, Layout, Mode, RedisConfig, SCHEME, SCHEME_TLS, WakeUp};
pub use storage::RedisStorage;
