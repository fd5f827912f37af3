//! The files backend on a real file system: what lies on disk, who owns it, and what survives.

#![expect(clippy::unwrap_used, reason = "helpers of tests, too, end with what they do not expect")]

mod common;
#[cfg(target_os = "linux")]
mod crash;
#[cfg(target_os = "linux")]
mod faults;
mod layout;
mod owner;
