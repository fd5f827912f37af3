//! Linux's file events, read by one thread that lives as long as the storage's locker.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::Inner;
use crate::lock::dir::LocksDir;
use crate::lock::sweep;
use crate::root::Root;

/// What a release, a death, a takeover and a request to break do to the files of a lock.
const EVENTS: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::ONLYDIR);

/// The descriptor that watches and the one that ends the thread.
#[derive(Debug)]
pub(super) struct Source {
    root: Arc<Root>,
    events: Arc<OwnedFd>,
    stop: Arc<OwnedFd>,
    watch: Option<i32>,
}

impl Source {
    pub(super) fn start(root: &Arc<Root>, inner: &Arc<Inner>) -> io::Result<Self> {
        let events = Arc::new(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?);
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let thread = (Arc::downgrade(root), events.clone(), stop.clone(), inner.clone());
        thread::Builder::new().name("certstore-locks".to_owned()).spawn(move || {
            let (root, events, stop, inner) = thread;
            if let Some(root) = root.upgrade() {
                sweep::sweep(&root);
            }
            if let Err(error) = read_events(&events, &stop, &inner) {
                tracing::debug!(%error, "file events ended: waiting for locks by timers alone");
            }
        })?;
        Ok(Self { root: root.clone(), events, stop, watch: None })
    }

    /// Watches the directory; once more when it was deleted and made anew.
    pub(super) fn watch(&mut self, dir: &LocksDir) {
        let by_descriptor = format!("/proc/self/fd/{}", dir.file().as_raw_fd());
        let watch = inotify::add_watch(&*self.events, by_descriptor, EVENTS).or_else(|_| {
            let path = self.root.path().join(certstore_core::RESERVED);
            inotify::add_watch(&*self.events, path, EVENTS)
        });
        match watch {
            Ok(watch) => self.watch = Some(watch),
            Err(error) => {
                tracing::debug!(%error, "no file events: waiting for locks by timers alone");
            }
        }
    }

    /// Watches nothing until the next [`watch`](Self::watch).
    pub(super) fn rest(&mut self) {
        if let Some(watch) = self.watch.take() {
            // It is gone already when the directory is.
            let _ = inotify::remove_watch(&*self.events, watch);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // Cannot fail: the counter is at zero.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
    }
}

fn read_events(events: &OwnedFd, stop: &OwnedFd, inner: &Inner) -> io::Result<()> {
    let mut buffer = [const { MaybeUninit::uninit() }; 8192];
    let mut reader = Reader::new(events, &mut buffer);
    loop {
        let mut ready = [PollFd::new(events, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match poll(&mut ready, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !ready[1].revents().is_empty() {
            return Ok(());
        }
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => inner.wake(None),
                Ok(event) => {
                    if let Some(file) = event.file_name().and_then(|name| name.to_str().ok()) {
                        inner.wake(Some(file));
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
