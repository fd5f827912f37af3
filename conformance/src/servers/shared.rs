//! One server for all tests of a process.

use std::io;
use std::sync::{Mutex, PoisonError};

/// Starts a server on first use. It is never dropped: its guardian ends it with the process.
#[derive(Debug)]
pub(super) struct Shared<T: 'static>(Mutex<Option<&'static T>>);

impl<T> Shared<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The server that the environment variable `name` tells of, else one that `start` starts. A failed start is
    /// tried again by the next caller.
    pub(super) fn get(
        &self,
        name: &str,
        attach: impl FnOnce(&str) -> io::Result<T>,
        start: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<&'static T> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = *slot {
            return Ok(server);
        }
        let server = match std::env::var(name) {
            Ok(text) => attach(&text)?,
            Err(_) => start()?,
        };
        Ok(slot.insert(Box::leak(Box::new(server))))
    }
}
