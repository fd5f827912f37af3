#![doc = include_str!("../README.md")]

mod bucket;
mod bundle;
mod client;
mod config;
mod crc64;
mod credentials;
mod date;
mod declared;
mod delete;
mod encode;
mod endpoint;
mod erase;
mod error;
mod frame;
mod list;
mod listing;
mod locker;
mod log;
mod names;
mod options;
mod peer;
mod probe;
mod proof;
mod register;
mod storage;
mod tls;
mod transport;
mod walk;
mod xml;

pub use config::{Addressing, LockMode, OssConfig, SCHEME, Signature};
pub use storage::OssStorage;
