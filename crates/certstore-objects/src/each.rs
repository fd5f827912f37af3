//! Several writes, all of which are tried.

use std::future::Future;

use certstore_core::{Error, Result};
use futures_util::{StreamExt as _, stream};

/// What became of several writes so far.
#[derive(Debug, Default)]
pub struct Tried {
    failed: Option<Error>,
    /// Something was done.
    done: bool,
}

impl Tried {
    /// Counts one of them.
    pub fn add(&mut self, written: Result<()>) {
        match written {
            Ok(()) => self.done = true,
            Err(error) => {
                self.done |= error.may_have_applied();
                self.failed.get_or_insert(error);
            }
        }
    }

    /// All of them together.
    ///
    /// # Errors
    /// The first failure; it says that it may have been applied where that is so of any of them.
    pub fn end(self) -> Result<()> {
        match self.failed {
            Some(error) => Err(error.with_may_have_applied(self.done)),
            None => Ok(()),
        }
    }
}

/// Does `write` with each of `items`, up to `at_once` at a time. All are tried.
///
/// # Errors
/// As [`Tried::end`].
///
/// # Cancel safety
/// Dropped, some may be left.
pub async fn each<T, F: Future<Output = Result<()>>>(
    items: impl IntoIterator<Item = T>,
    at_once: usize,
    write: impl Fn(T) -> F,
) -> Result<()> {
    let mut writes = stream::iter(items).map(write).buffer_unordered(at_once);
    let mut tried = Tried::default();
    while let Some(written) = writes.next().await {
        tried.add(written);
    }
    tried.end()
}

#[cfg(test)]
#[path = "each_tests.rs"]
mod tests;
