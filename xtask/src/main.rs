//! `cargo xtask COMMAND`: see `cargo xtask help`.

#![expect(clippy::print_stderr, reason = "this is a program for a terminal")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match xtask::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // `test` has said everything, and its last line stands alone.
            let message = format!("{error:#}");
            if !message.is_empty() {
                eprintln!("xtask: {message}");
            }
            ExitCode::FAILURE
        }
    }
}
