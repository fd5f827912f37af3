#![doc = include_str!("../README.md")]

mod names;
mod text;

pub use names::{dir, key, lock_name};
pub use text::one_line;
