//! Names in lists that are no keys: somebody else put them there.

use certstore_core::Dir;

/// Counts them, for one warning a list.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    count: usize,
    first: Option<String>,
}

impl Foreign {
    pub(crate) fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(name);
    }

    /// Warns if there were any.
    pub(crate) fn warn(&self, dir: &Dir) {
        if let Some(first) = &self.first {
            tracing::warn!(%dir, count = self.count, first = first.escape_debug().to_string(),
                "names that are no keys are left out of the list");
        }
    }
}
