//! The files backend on a real file system: what lies on disk, who owns it, and what survives.

mod common;
#[cfg(target_os = "linux")]
mod crash;
#[cfg(target_os = "linux")]
mod faults;
mod layout;
mod owner;
