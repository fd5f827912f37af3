//! Progress of long work: a bar on the standard error, and only on a terminal.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar, or nothing where nobody would see it. It disappears when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar for `total` steps; 0 where the number is not known yet.
    pub(crate) fn new(quiet: bool, what: &'static str, total: u64) -> Self {
        if quiet || !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(total).with_message(what);
        let template = if total == 0 {
            "{spinner} {msg} {pos} {elapsed}"
        } else {
            "{msg} {wide_bar} {pos}/{len} {eta}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows that `done` steps are done, of `total`.
    pub(crate) fn at(&self, done: u64, total: u64) {
        if self.0.length() != Some(total) {
            self.0.set_length(total);
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
                self.0.set_style(style);
            }
        }
        self.0.set_position(done);
    }

    /// Shows that one more step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Shows what is being done.
    pub(crate) fn say(&self, what: impl Into<std::borrow::Cow<'static, str>>) {
        self.0.set_message(what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
