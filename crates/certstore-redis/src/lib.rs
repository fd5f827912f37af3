#![doc = include_str!("../README.md")]

mod caddy;
mod config;
mod connection;
mod error;
mod script;

pub use config::{Address, Compression, Layout, Mode, RedisConfig, SCHEME, SCHEME_TLS, WakeUp};
