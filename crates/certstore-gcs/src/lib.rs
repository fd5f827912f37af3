#![doc = include_str!("../README.md")]

mod again;
mod answer;
mod bucket;
mod client;
mod conditional;
mod config;
mod credentials;
mod declared;
mod delete;
mod erase;
mod error;
mod fenced;
mod listing;
mod locker;
mod names;
mod objects;
mod options;
mod probe;
mod register;
mod storage;
mod transport;

pub use config::{GcsConfig, SCHEME};
pub use storage::GcsStorage;
