#![doc = include_str!("../README.md")]

mod again;
mod answer;
mod bucket;
mod bundle;
mod client;
mod conditional;
mod config;
mod credentials;
mod declared;
mod delete;
mod erase;
mod error;
mod fenced;
mod list;
mod listing;
mod locker;
mod names;
mod options;
mod probe;
mod register;
mod stamp;
mod storage;
mod transport;
mod walk;

pub use config::{GcsConfig, SCHEME};
pub use storage::GcsStorage;
