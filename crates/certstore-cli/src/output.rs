//! The standard output: text for people, JSON for programs.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Where a command prints its data.
pub(crate) struct Output {
    json: bool,
    out: BufWriter<StdoutLock<'static>>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, out: BufWriter::new(io::stdout().lock()) }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// How many columns a table may have: those of the terminal, between 80 and 120.
    pub(crate) fn width() -> usize {
        terminal_width().unwrap_or(100).clamp(80, 120)
    }

    /// A line of text.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(self.out, "{line}").map_err(Failure::printing)
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(Failure::printing)
    }

    /// A value as JSON, for programs.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(value).map_err(|error| Failure::printing(error.into()))?;
        self.line(text)
    }

    /// Writes what is still held back, to go on.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::printing)
    }

    /// Writes what is still held back; what is not flushed is lost.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()
    }
}

/// What a program tells that goes on whether or not anybody listens.
pub(crate) struct Telling(Option<Output>);

impl Telling {
    pub(crate) fn new(out: Output) -> Self {
        Self(Some(out))
    }

    /// Prints something; after the first failure, which is warned of, nothing more.
    pub(crate) fn tell(&mut self, print: impl FnOnce(&mut Output) -> Result<(), Failure>) {
        let Some(out) = &mut self.0 else { return };
        if let Err(failure) = print(out) {
            let why = failure.text().unwrap_or_else(|| "nobody reads the standard output".into());
            tracing::warn!("{why}; it goes on, and prints no more");
            self.0 = None;
        }
    }
}

#[cfg(unix)]
fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    let size = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).ok()).flatten()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

#[cfg(not(unix))]
fn terminal_width() -> Option<usize> {
    None
}
