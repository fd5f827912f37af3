#![doc = include_str!("../README.md")]

mod args;
mod commands;
mod exit;
mod local_file;
mod logging;
mod output;
mod progress;
mod supervise;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use args::Cli;
use exit::Failure;

/// Runs the command line of this process and returns what it exits with.
#[must_use]
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(told) => return exit::of_parser(&told),
    };
    logging::start(cli.global.verbose, cli.global.quiet, cli.command.provokes_warnings());
    match in_runtime(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn in_runtime(cli: Cli) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|error| Failure::local("start", error))?;
    let ended = runtime.block_on(commands::run(cli));
    // Guards that were dropped give their locks back in the background: let them, but not for long.
    runtime.shutdown_timeout(Duration::from_secs(2));
    ended
}
