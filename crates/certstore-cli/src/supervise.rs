//! Running a command that must not outlive the lock it runs under.
//!
//! The holder starts a supervisor, this program again, as the leader of a new process group, and that starts the command
//! in its group. A pipe that only the holder can write to tells the supervisor the lock's deadline, each time it has moved,
//! and when the holder has died, however it died: then the group ends at once. So it does at the deadline, should the
//! holder be stopped. As long as the holder runs, it decides.

use std::ffi::OsString;

use clap::Args;

#[cfg(unix)]
mod deadline;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod holder;
#[cfg(not(unix))]
mod unsupported;
#[cfg(unix)]
mod watcher;

#[cfg(unix)]
pub(crate) use group::Grouped;
#[cfg(unix)]
pub(crate) use holder::Supervised;
#[cfg(not(unix))]
pub(crate) use unsupported::{Grouped, Supervised, run};
#[cfg(unix)]
pub(crate) use watcher::run;

/// How a command under a lock has ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By itself or by a signal of somebody else, with this exit code.
    Itself(u8),
    /// It was ended, as the lock was lost; the text says why.
    Lost(String),
}

/// The arguments of the supervisor.
#[derive(Debug, Args)]
pub(crate) struct Supervise {
    /// The number of the descriptor that the pipe from the holder is open at
    #[arg(long)]
    link: u32,
    /// The process group that gets the terminal back
    #[arg(long)]
    terminal: Option<i32>,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}
