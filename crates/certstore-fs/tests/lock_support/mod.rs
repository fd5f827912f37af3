//! What the lock tests share.

#![expect(clippy::allow_attributes, reason = "each test binary uses a part of this module")]
#![allow(dead_code, unused_imports)]

mod log;
mod workers;

pub(crate) use log::{Log, Summary};
pub(crate) use workers::{NAME, Worker, name, open, work};
