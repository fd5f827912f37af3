#![doc = include_str!("../README.md")]

mod names;

pub use names::{dir, key, lock_name};
