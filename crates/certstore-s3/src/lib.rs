#![doc = include_str!("../README.md")]

mod bucket;
mod bundle;
mod client;
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
mod probe;
mod proof;
mod put;
mod race;
mod register;
mod secretbox;
mod stamp;
mod storage;
mod transport;
mod walk;

pub use config::{Probing, S3Config, SCHEME};
pub use probe::ProbeReport;
pub use storage::S3Storage;
