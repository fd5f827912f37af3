#![doc = include_str!("../README.md")]

mod config;
mod error;
mod options;
mod transport;

pub use config::{Probing, S3Config, SCHEME};
