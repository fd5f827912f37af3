#![doc = include_str!("../README.md")]

mod config;
mod error;
mod register;
mod storage;

pub use config::{{Name}}Config;
pub use storage::{{Name}}Storage;

/// The backend's name in errors.
const BACKEND: &str = "{{name}}";
