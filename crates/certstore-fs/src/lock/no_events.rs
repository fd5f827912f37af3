//! Systems without inotify: timers alone.

use std::io;
use std::sync::Arc;

use super::Inner;
use crate::lock::dir::LocksDir;
use crate::root::Root;

#[derive(Debug)]
pub(super) struct Source;

impl Source {
    pub(super) fn start(_root: &Arc<Root>, _inner: &Arc<Inner>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn watch(&mut self, _dir: &LocksDir) {}

    pub(super) fn rest(&mut self) {}
}
