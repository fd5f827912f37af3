//! Changes as they happen: told by the backend where it can, found by looking again and again where it cannot.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_core::{
    Change, Clock, Dir, ErrorKind, Key, KeyInfo, Result, Storage, SystemClock, Version,
};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};

/// How [`watch`] looks for changes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WatchOptions {
    /// How often to look where the backend does not tell; 10 seconds by default.
    pub poll: Duration,
    /// Whether to look even where the backend tells.
    pub always_poll: bool,
    /// The clock that times the looks.
    pub clock: Arc<dyn Clock>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { poll: Duration::from_secs(10), always_poll: false, clock: Arc::new(SystemClock) }
    }
}

/// Where changes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchSource {
    /// The backend tells of each.
    Notification,
    /// Two lists are compared: of several changes of a key between two looks, only what they came to is seen.
    Polling,
}

/// Watches.
#[expect(missing_debug_implementations, reason = "a stream shows nothing")]
pub struct Watching {
    /// Where the changes come from.
    pub source: WatchSource,
    /// The changes, from the moment that [`watch`] returned. Ends after an error.
    pub changes: BoxStream<'static, Result<Change>>,
}

/// Watches `dir`; a directory that does not exist yet can be watched. Without notification, all of it is listed at each look:
/// versions, times and sizes are compared, no values, and what is known of each key is kept in memory. A look that fails
/// as the backend is down is left out.
///
/// # Errors
/// Of the backend; [`ErrorKind::Unsupported`] never.
///
/// # Cancel safety
/// Cancel safe. Dropping the stream ends the watch.
///
/// ```
/// use std::sync::Arc;
/// use certstore::watch::{WatchOptions, WatchSource, watch};
/// use certstore::{Change, Dir, MemoryStorage, Storage};
/// use futures_util::StreamExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore::Error> {
/// let storage = Arc::new(MemoryStorage::new());
/// let mut watching = watch(storage.clone(), &Dir::ROOT, &WatchOptions::default()).await?;
/// assert_eq!(watching.source, WatchSource::Notification);
/// storage.store(&"a".parse()?, b"1").await?;
/// assert_eq!(watching.changes.next().await.expect("a change")?, Change::Stored("a".parse()?));
/// # Ok(()) }
/// ```
pub async fn watch(
    storage: Arc<dyn Storage>,
    dir: &Dir,
    options: &WatchOptions,
) -> Result<Watching> {
    if storage.capabilities().watch && !options.always_poll {
        match storage.watch(dir).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            changes => {
                return Ok(Watching { source: WatchSource::Notification, changes: changes? });
            }
        }
    }
    let known = look(&*storage, dir).await?;
    let poller = Poller {
        storage,
        dir: dir.clone(),
        options: options.clone(),
        known,
        found: VecDeque::new(),
        failed: false,
    };
    let changes = stream::unfold(poller, Poller::next).boxed();
    Ok(Watching { source: WatchSource::Polling, changes })
}

/// What tells one write of a key from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trace {
    version: Option<Version>,
    modified: Option<SystemTime>,
    size: Option<u64>,
}

type Known = BTreeMap<Key, Trace>;

struct Poller {
    storage: Arc<dyn Storage>,
    dir: Dir,
    options: WatchOptions,
    known: Known,
    found: VecDeque<Change>,
    failed: bool,
}

impl Poller {
    async fn next(mut self) -> Option<(Result<Change>, Self)> {
        if self.failed {
            return None;
        }
        loop {
            if let Some(change) = self.found.pop_front() {
                return Some((Ok(change), self));
            }
            self.options.clock.sleep(self.options.poll).await;
            match look(&*self.storage, &self.dir).await {
                Ok(now) => {
                    self.found = differences(&self.known, &now);
                    self.known = now;
                }
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "the storage could not be looked at");
                }
                Err(error) => {
                    self.failed = true;
                    return Some((Err(error), self));
                }
            }
        }
    }
}

async fn look(storage: &dyn Storage, dir: &Dir) -> Result<Known> {
    let found: Result<Vec<KeyInfo>> = storage.walk(dir).try_collect().await;
    let found = match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        found => found?,
    };
    let values = found.into_iter().filter(|info| info.is_terminal).map(|info| {
        let KeyInfo { key, version, modified, size, .. } = info;
        (key, Trace { version, modified, size })
    });
    Ok(values.collect())
}

/// What happened between two looks: what is gone, then what is new or other, each in the order of the keys.
fn differences(before: &Known, now: &Known) -> VecDeque<Change> {
    let gone = before.keys().filter(|key| !now.contains_key(*key)).cloned().map(Change::Deleted);
    let stored = now.iter().filter(|(key, trace)| before.get(*key) != Some(*trace));
    gone.chain(stored.map(|(key, _)| Change::Stored(key.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use certstore_core::{Change, Dir, Key, MemoryStorage, Storage};
    use futures_util::StreamExt;

    use super::{WatchOptions, WatchSource, watch};

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[tokio::test]
    async fn polling_finds_what_notification_tells() {
        let storage = Arc::new(MemoryStorage::new());
        storage.store(&key("a/old"), b"1").await.unwrap();
        storage.store(&key("a/same"), b"1").await.unwrap();
        let options = WatchOptions {
            poll: Duration::from_millis(1),
            always_poll: true,
            ..WatchOptions::default()
        };
        let dir = Dir::new("a").unwrap();
        let mut watching = watch(storage.clone(), &dir, &options).await.unwrap();
        assert_eq!(watching.source, WatchSource::Polling);
        storage.store(&key("a/new"), b"1").await.unwrap();
        storage.store(&key("a/same"), b"1").await.unwrap();
        storage.store(&key("b"), b"outside").await.unwrap();
        storage.delete(&key("a/old")).await.unwrap();
        let mut found = Vec::new();
        for _ in 0..3 {
            found.push(watching.changes.next().await.unwrap().unwrap());
        }
        let (gone, new, same) = (key("a/old"), key("a/new"), key("a/same"));
        assert_eq!(
            found,
            [Change::Deleted(gone), Change::Stored(new.clone()), Change::Stored(same)]
        );
        // All of the directory goes, and comes again.
        storage.delete(&key("a")).await.unwrap();
        assert!(matches!(watching.changes.next().await, Some(Ok(Change::Deleted(_)))));
        assert!(matches!(watching.changes.next().await, Some(Ok(Change::Deleted(_)))));
        storage.store(&new, b"2").await.unwrap();
        assert_eq!(watching.changes.next().await.unwrap().unwrap(), Change::Stored(new));
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_yet_can_be_watched() {
        let storage = Arc::new(MemoryStorage::new());
        let options = WatchOptions {
            poll: Duration::from_millis(1),
            always_poll: true,
            ..WatchOptions::default()
        };
        let dir = Dir::new("a").unwrap();
        let mut watching = watch(storage.clone(), &dir, &options).await.unwrap();
        storage.store(&key("a/b"), b"1").await.unwrap();
        assert_eq!(watching.changes.next().await.unwrap().unwrap(), Change::Stored(key("a/b")));
    }
}
