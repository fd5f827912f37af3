#![doc = include_str!("../README.md")]

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
compile_error!(
    "certstore-fs runs on Linux, and is written for macOS. Windows has neither the directory sync nor the opening beneath a \
     root that it promises: choose another backend there"
);

mod bundle;
mod config;
mod delete;
mod entries;
mod error;
mod list;
mod list_all;
mod lock;
mod owner;
mod pace;
mod read;
mod root;
mod stable;
mod storage;
mod stream;
mod stripe;
mod temp;
mod version;
mod walk;
mod write;

pub use config::{FsConfig, Io, SCHEME};
pub use storage::FsStorage;
