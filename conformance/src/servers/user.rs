//! Another user for the servers that refuse to be run by root.

use std::io;
use std::path::Path;
use std::process::Command;

use super::run_text;

/// The numbers of a user and its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// Whom to run a server as that refuses root: `None` when this process is not root's, else `name`'s numbers, else
    /// those of nobody.
    ///
    /// # Errors
    /// When `id` cannot be run.
    pub fn instead_of_root(name: &str) -> io::Result<Option<Self>> {
        if number(&["-u"])? != 0 {
            return Ok(None);
        }
        let (uid, gid) = match (number(&["-u", name]), number(&["-g", name])) {
            (Ok(uid), Ok(gid)) => (uid, gid),
            _ => (65_534, 65_534),
        };
        Ok(Some(Self { uid, gid }))
    }

    /// Words to put before a command, so that this user runs it.
    pub(super) fn prefix(self) -> Vec<String> {
        let (uid, gid) = (self.uid, self.gid);
        ["setpriv".to_owned(), format!("--reuid={uid}"), format!("--regid={gid}")]
            .into_iter()
            .chain(["--clear-groups".to_owned(), "--".to_owned()])
            .collect()
    }

    /// Makes a file or folder this user's.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
    }
}

fn number(arguments: &[&str]) -> io::Result<u32> {
    let text = run_text(Command::new("id").args(arguments))?;
    text.trim().parse().map_err(io::Error::other)
}
