//! The shell that watches over a server: it outlives this process by just the time that cleaning up takes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Owns a temporary folder and the processes of one server. Its standard input is a pipe whose only writer is this
/// process: when that ends, in whatever way, the guardian kills the server and removes the folder.
#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Guardian {
    pub(super) fn new() -> io::Result<Self> {
        // A session of its own: no terminal's interrupt and no kill of our process group reaches it.
        let mut child = Command::new("setsid")
            .args(["sh", "-c", include_str!("guardian.sh"), "certstore-test-guardian"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot run setsid: {error}")))?;
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the guardian has no pipes"));
        };
        let mut guardian = Self {
            child,
            commands: Some(commands),
            answers: BufReader::new(answers),
            folder: PathBuf::new(),
        };
        guardian.folder = guardian.answer()?.into();
        Ok(guardian)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Has the guardian carry out `command`, and waits until it did.
    pub(super) fn order(&mut self, command: &str) -> io::Result<()> {
        if let Some(commands) = &mut self.commands {
            writeln!(commands, "{command}")?;
        }
        self.answer().map(drop)
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::other(
                "the guardian of a test server ended; is there room in the temporary folder?",
            ));
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.commands.take());
        drop(self.child.wait());
    }
}
