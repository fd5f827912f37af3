//! Where there are no process groups.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use certstore::Lock;

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

pub(crate) async fn run(_: Supervise) -> Outcome {
    Err(unsupported())
}
