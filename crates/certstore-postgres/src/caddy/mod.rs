#![doc = include_str!("README.md")]

mod columns;
mod lock_row;
mod locker;
mod place;
mod read;
mod register;
mod shared;
mod sql;
mod storage;
mod tables;
mod walk;
mod write;

pub(crate) use storage::{CaddyStorage, dropping, schema};
