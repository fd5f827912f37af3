//! What the lock tests share.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of this module")]

mod log;
mod workers;

pub(crate) use log::{Log, Summary};
pub(crate) use workers::{NAME, Worker, name, open, work};
