//! Where there are no process groups.

use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use certstore::Lock;
use tokio::process::{Child, Command};

use super::{Ended, Supervise};
use crate::exit::{Failure, Outcome};

#[derive(Debug)]
pub(crate) enum Supervised {}

fn unsupported() -> Failure {
    let error = io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no process groups to end it by",
    );
    Failure::local("run a command under a lock", error)
}

impl Supervised {
    pub(crate) fn start(_: &[OsString], _: &[(&str, String)]) -> Result<Self, Failure> {
        Err(unsupported())
    }

    pub(crate) async fn run_under(self, _: &Lock, _: Duration) -> Result<Ended, Failure> {
        match self {}
    }
}

/// A command that is killed when this is dropped; what it has started goes on.
#[derive(Debug)]
pub(crate) struct Grouped(Child);

impl Grouped {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        command.kill_on_drop(true).spawn().map(Self)
    }

    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait().await
    }

    pub(crate) fn kill(&mut self) {
        // It fails only when the command has ended.
        let _ = self.0.start_kill();
    }
}

pub(crate) async fn run(_: Supervise) -> Outcome {
    Err(unsupported())
}
