//! The files backend on a real file system: what lies on disk, who owns it, and what survives.

mod common;
mod layout;
#[cfg(target_os = "linux")]
mod faults;
mod owner;
