//! The side of the supervisor: it starts the command, and ends its group when the holder has died or its time is over.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, kill_process_group};
use rustix::termios::tcsetpgrp;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::Supervise;
use super::deadline::Deadline;
use super::holder::code_of;
use crate::exit::{Failure, Outcome};

/// What a shell says of a command that cannot be run, and of one that is not there.
const CANNOT_RUN: u8 = 126;
const NO_COMMAND: u8 = 127;

/// Runs the command and exits with its code.
pub(crate) async fn run(supervise: Supervise) -> Outcome {
    let starting = |error| Failure::local("watch over the command", error);
    let mut link = listen(supervise.link).map_err(starting)?;
    // Signals to the group are the command's business; this process stays to the end.
    let mut term = signal(SignalKind::terminate()).map_err(starting)?;
    let mut stop = signal(SignalKind::from_raw(Signal::TSTP.as_raw())).map_err(starting)?;
    let others = [SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup()];
    let _others = others.map(signal);
    let [program, arguments @ ..] = &*supervise.command else {
        return Err(Failure::Usage("there is no command to run".into()));
    };
    let mut command = match Command::new(program).args(arguments).spawn() {
        Ok(command) => command,
        Err(error) => return Ok(not_run(program, &error)),
    };
    let mut deadline = None;
    let code = loop {
        tokio::select! {
            biased;
            told = link.recv() => match told {
                Some(told) => deadline = Some(told),
                None => end_group(supervise.terminal),
            },
            () = come(deadline) => end_group(supervise.terminal),
            ended = command.wait() => break code_of(ended.map_err(starting)?),
            _ = term.recv() => return_terminal(supervise.terminal),
            // What is stopped would keep the lock: it goes on.
            _ = stop.recv() => drop(kill_process_group(getpgrp(), Signal::CONT)),
        }
    };
    return_terminal(supervise.terminal);
    Ok(ExitCode::from(code))
}

/// The deadlines that the holder tells; closed once the holder has died.
///
/// The command inherits the pipe, too; it can neither write to it nor keep the other end open.
fn listen(link: u32) -> io::Result<mpsc::UnboundedReceiver<Deadline>> {
    let mut link = File::open(format!("/dev/fd/{link}"))?;
    let (deadlines, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 8];
        while link.read_exact(&mut bytes).is_ok()
            && deadlines.send(Deadline::from_bytes(bytes)).is_ok()
        {}
    });
    Ok(told)
}

/// Completes when the deadline has come; never without one.
async fn come(deadline: Option<Deadline>) {
    /// The machine may sleep in between, which a timer does not count.
    const LOOK: Duration = Duration::from_millis(250);
    let Some(deadline) = deadline else { return std::future::pending().await };
    while !deadline.left().is_zero() {
        tokio::time::sleep(deadline.left().min(LOOK)).await;
    }
}

/// Ends the command, and this process with it.
fn end_group(terminal: Option<i32>) {
    return_terminal(terminal);
    let _ = kill_process_group(getpgrp(), Signal::KILL);
}

fn return_terminal(group: Option<i32>) {
    if let Some(group) = group.and_then(Pid::from_raw) {
        // The terminal may be gone; then there is nothing to give back.
        let _ = tcsetpgrp(io::stdin(), group);
    }
}

fn not_run(program: &std::ffi::OsStr, error: &io::Error) -> ExitCode {
    let shown = crate::exit::one_line(&program.to_string_lossy());
    // There is nowhere left to tell of a standard error that cannot be written.
    let _ = writeln!(
        io::stderr(),
        "certstore: cannot run {shown}: {error}; check its name and its permissions"
    );
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { NO_COMMAND } else { CANNOT_RUN })
}
