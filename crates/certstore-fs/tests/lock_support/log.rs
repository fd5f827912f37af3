//! A side channel: every holder appends when it enters and leaves.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that many processes append to, a line in one call.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

/// What a log says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Rounds that were begun and ended.
    pub(crate) finished: usize,
    /// Who is inside at the end.
    pub(crate) inside: Option<u32>,
}

impl Log {
    pub(crate) fn open(path: &Path) -> Self {
        let file = OpenOptions::new().append(true).create(true).open(path).expect("the log");
        Self { path: path.to_owned(), file }
    }

    pub(crate) fn write(&mut self, what: &str, pid: u32, token: u64) {
        self.file.write_all(format!("{what} {pid} {token}\n").as_bytes()).expect("the log");
    }

    /// Goes through the log.
    ///
    /// # Panics
    /// When two were inside at the same time, or a token did not grow.
    pub(crate) fn check(&self) -> Summary {
        let mut summary = Summary::default();
        let mut newest = 0;
        for (what, pid, token) in self.lines() {
            match what.as_str() {
                "enter" => {
                    assert_eq!(summary.inside.replace(pid), None, "{pid} entered");
                    // Go has no tokens.
                    assert!(token == 0 || token > newest, "token {token} after {newest}");
                    newest = newest.max(token);
                }
                "exit" => {
                    assert_eq!(summary.inside.take(), Some(pid), "who left was inside");
                    summary.finished += 1;
                }
                other => panic!("{other} in the log"),
            }
        }
        summary
    }

    fn lines(&self) -> Vec<(String, u32, u64)> {
        let text = std::fs::read_to_string(&self.path).expect("the log");
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        complete
            .lines()
            .map(|line| {
                let mut words = line.split(' ');
                let mut next = || words.next().expect("three words");
                (
                    next().to_owned(),
                    next().parse().expect("a pid"),
                    next().parse().expect("a token"),
                )
            })
            .collect()
    }
}
