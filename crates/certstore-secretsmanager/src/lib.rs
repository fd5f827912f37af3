#![doc = include_str!("../README.md")]

mod budget;
mod bundle;
mod client;
mod conditional;
mod config;
mod declared;
mod delete;
mod end;
mod erase;
mod error;
mod fenced;
mod home;
mod list;
mod listing;
mod locker;
mod names;
mod options;
mod put;
mod rate;
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
