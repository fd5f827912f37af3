//! What the program exits with: the one place that maps failures to codes and to words.

use std::error::Error as _;
use std::io::{self, ErrorKind as Io, Write as _};
use std::process::ExitCode;

use certstore::{Error, ErrorKind};

/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// The command line, a key or the config is wrong.
pub(crate) const USAGE: u8 = 2;
/// There is nothing of that name.
pub(crate) const NOT_FOUND: u8 = 3;
/// The lock is busy, or was lost.
pub(crate) const LOCK: u8 = 4;

/// Why a command ends without having done what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Of the storage.
    Storage(Error),
    /// Of this machine: a file of the user, the standard streams.
    Local { what: String, source: io::Error },
    /// The command line asks for what cannot be.
    Usage(String),
    /// It was looked at, and is not well; what is wrong has been printed.
    Unsound(String),
    /// The lock is held by somebody else.
    Busy { message: String, code: u8 },
    /// The lock was lost while the command ran.
    Lost(String),
    /// It was asked to end, by the signal of this number, before all was done.
    Interrupted { message: String, signal: u8 },
    /// Nobody reads what is printed any more.
    ClosedPipe,
}

pub(crate) type Outcome = Result<ExitCode, Failure>;

impl Failure {
    pub(crate) fn local(what: impl Into<String>, source: io::Error) -> Self {
        Self::Local { what: what.into(), source }
    }

    /// A failure to print.
    pub(crate) fn printing(source: io::Error) -> Self {
        match source.kind() {
            Io::BrokenPipe => Self::ClosedPipe,
            _ => Self::local("write to the standard output", source),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Storage(error) => of_kind(error.kind()),
            Self::Usage(_) => USAGE,
            Self::Local { .. } | Self::Unsound(_) => FAILED,
            Self::Busy { code, .. } => *code,
            Self::Lost(_) => LOCK,
            // As a shell tells it of a command that a signal has ended.
            Self::Interrupted { signal, .. } => 128 + signal,
            Self::ClosedPipe => 0,
        }
    }

    /// What is wrong; `None`: nothing that anybody has to be told.
    pub(crate) fn text(&self) -> Option<String> {
        let text = match self {
            Self::Storage(error) => certstore::one_line(error),
            Self::Local { what, source } => format!("cannot {what}: {source}"),
            Self::Usage(message) | Self::Unsound(message) | Self::Lost(message) => message.clone(),
            Self::Busy { message, .. } | Self::Interrupted { message, .. } => message.clone(),
            Self::ClosedPipe => return None,
        };
        Some(one_line(&text))
    }

    /// One line of what is wrong and what to do.
    fn line(&self) -> Option<String> {
        let text = self.text()?;
        let hint = self.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        Some(format!("certstore: {text}{hint}"))
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Storage(error) => hint(error),
            Self::Local { source, .. } => io_hint(source.kind()),
            _ => None,
        }
    }

    /// Prints the line on the standard error and gives the code.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some(line) = self.line() {
            // There is nowhere left to tell of a standard error that cannot be written.
            let _ = writeln!(io::stderr(), "{line}");
        }
        ExitCode::from(self.code())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

fn of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidKey | ErrorKind::InvalidConfig => USAGE,
        ErrorKind::NotFound => NOT_FOUND,
        ErrorKind::LockLost | ErrorKind::Fenced => LOCK,
        _ => FAILED,
    }
}

/// What the parser of the command line says: help on the standard output with 0, faults on the standard error with 2.
pub(crate) fn of_parser(told: &clap::Error) -> ExitCode {
    // A pipe that is closed early is no failure of a help text.
    let _ = told.print();
    ExitCode::from(if told.use_stderr() { USAGE } else { 0 })
}

/// Text of others may hold line ends and escape sequences: neither reaches the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn hint(error: &Error) -> Option<&'static str> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(hint) =
            cause.downcast_ref::<io::Error>().and_then(|cause| io_hint(cause.kind()))
        {
            return Some(hint);
        }
        source = cause.source();
    }
    match error.kind() {
        ErrorKind::NotFound => Some("`certstore ls -r` shows what is stored"),
        // Services know other users, and say themselves what to do.
        ErrorKind::PermissionDenied if matches!(error.backend(), None | Some("fs")) => {
            Some("run certstore as the owner of the storage")
        }
        ErrorKind::LockLost => Some("start anew from what is stored now"),
        ErrorKind::Unavailable => Some("try again"),
        ErrorKind::Corrupt => Some("`certstore verify` shows what else is damaged"),
        _ => None,
    }
}

fn io_hint(kind: Io) -> Option<&'static str> {
    match kind {
        Io::StorageFull | Io::QuotaExceeded => Some("free some space, then try again"),
        Io::ReadOnlyFilesystem => Some("mount it writable, or name another place"),
        Io::NotADirectory => Some("name a path whose folders are folders"),
        Io::PermissionDenied => Some("run certstore as the owner, or change the permissions"),
        _ => None,
    }
}

#[cfg(test)]
#[path = "exit_tests.rs"]
mod tests;
