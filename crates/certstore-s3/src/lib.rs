#![doc = include_str!("../README.md")]

mod bucket;
mod client;
mod conditional;
mod config;
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
mod proof;
mod put;
mod race;
mod register;
mod rules;
mod secretbox;
mod stamp;
mod storage;
mod transport;

pub use config::{Probing, S3Config, SCHEME};
pub use probe::ProbeReport;
pub use storage::S3Storage;
