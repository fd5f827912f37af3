#![doc = include_str!("../README.md")]

mod budget;
mod bundle;
mod client;
mod conditional;
mod config;
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
mod put;
mod read;
mod recent;
mod register;
mod secrets;
mod storage;
mod transport;
mod vault;
mod versions;
mod walk;

pub use config::{Deleting, SCHEME, SecretsManagerConfig};
pub use storage::SecretsManagerStorage;
