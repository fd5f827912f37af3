#![doc = include_str!("../README.md")]

mod bucket;
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
mod listing;
mod locker;
mod log;
mod names;
mod objects;
mod options;
mod peer;
mod probe;
mod proof;
mod register;
mod rules;
mod storage;
mod tls;
mod transport;
mod xml;

pub use config::{Addressing, LockMode, OssConfig, SCHEME, Signature};
pub use storage::OssStorage;
