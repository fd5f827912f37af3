//! What a copy will meet, found before the first write.

use std::cmp::Ordering;

use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, Result, Storage, Tree};
use futures_util::stream::{self, BoxStream, Peekable};
use futures_util::{StreamExt, TryStreamExt};

use super::CopyOptions;

/// How many obstacles an error names.
const NAMED: usize = 3;

/// How many values there are, and what stands in their way.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) values: u64,
    pub(super) foreign: Vec<String>,
    obstacles: Vec<String>,
    more: u64,
}

impl Plan {
    /// Lists both storages side by side; neither is held in memory.
    pub(super) async fn make(
        source: &dyn Storage,
        target: &dyn Storage,
        options: &CopyOptions,
    ) -> Result<Self> {
        let mut plan = Self { foreign: source.foreign(&options.dir).await?, ..Self::default() };
        let limits = target.capabilities();
        let exclusive = limits.tree == Tree::Exclusive;
        if exclusive {
            plan.check_ancestors(target, &options.dir).await?;
        }
        let mut files = Ancestors::default();
        let mut theirs = entries(target, &options.dir, true).await?.peekable();
        let mut ours = entries(source, &options.dir, false).await?;
        while let Some(entry) = ours.try_next().await? {
            if entry.is_terminal {
                plan.values += 1;
            }
            if let (Some(size), Some(limit)) = (entry.size, limits.max_value)
                && size > limit
            {
                plan.obstacle(format!("{} has {size} bytes, the target takes {limit}", entry.key));
            }
            if !exclusive {
                continue;
            }
            if let Some(file) = files.above(&entry) {
                plan.obstacle(format!(
                    "{file} is a value and a directory at once, which the target cannot hold"
                ));
            }
            if let Some(there) = same_key(&mut theirs, &entry.key).await?
                && there.is_terminal != entry.is_terminal
            {
                plan.obstacle(format!(
                    "{} is {} here and {} there",
                    entry.key,
                    what(&entry),
                    what(&there)
                ));
            }
        }
        Ok(plan)
    }

    /// Fails where something stands in the way.
    pub(super) fn check(&self, source: &dyn Storage, options: &CopyOptions) -> Result<()> {
        let problem = if self.obstacles.is_empty()
            && (self.foreign.is_empty() || options.skip_foreign)
        {
            return Ok(());
        } else if self.obstacles.is_empty() {
            let shown: Vec<_> =
                self.foreign.iter().take(NAMED).map(|name| format!("{name:?}")).collect();
            let count = self.foreign.len();
            format!(
                "{count} stored {} no valid {}: {}{}; rename them, or leave them out with skip-foreign",
                if count == 1 { "name is" } else { "names are" },
                if count == 1 { "key" } else { "keys" },
                shown.join(", "),
                if count > NAMED { ", ..." } else { "" },
            )
        } else {
            let more =
                if self.more > 0 { format!("; and {} more", self.more) } else { String::new() };
            format!("{}{more}; nothing was written", self.obstacles.join("; "))
        };
        let error = Error::new(ErrorKind::Conflict, problem)
            .with_operation("copy")
            .with_backend(source.backend());
        Err(match options.dir.key() {
            Some(dir) => error.with_key(dir),
            None => error,
        })
    }

    fn obstacle(&mut self, text: String) {
        if self.obstacles.len() < NAMED { self.obstacles.push(text) } else { self.more += 1 }
    }

    /// A value in the target above the directory that is copied.
    async fn check_ancestors(&mut self, target: &dyn Storage, dir: &Dir) -> Result<()> {
        let mut above = dir.key().map_or(Dir::ROOT, Key::parent);
        while let Some(key) = above.key().cloned() {
            match target.stat(&key).await {
                Ok(there) if there.is_terminal => {
                    self.obstacle(format!("{key} is a directory here and a value there"));
                }
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            above = key.parent();
        }
        Ok(())
    }
}

fn what(entry: &KeyInfo) -> &'static str {
    if entry.is_terminal { "a value" } else { "a directory" }
}

/// The values that are copied, in the order of the keys.
pub(super) async fn values<'a>(
    source: &'a dyn Storage,
    dir: &Dir,
) -> Result<BoxStream<'a, Result<Key>>> {
    let entries = entries(source, dir, false).await?;
    Ok(entries.try_filter_map(async |entry| Ok(entry.is_terminal.then_some(entry.key))).boxed())
}

/// All entries below `dir` and, where there is one, the value at `dir` itself.
async fn entries<'a>(
    storage: &'a dyn Storage,
    dir: &Dir,
    missing_is_empty: bool,
) -> Result<BoxStream<'a, Result<KeyInfo>>> {
    let Some(key) = dir.key() else { return Ok(storage.walk(dir)) };
    match storage.stat(key).await {
        Ok(own) => Ok(stream::once(async { Ok(own) }).chain(storage.walk(dir)).boxed()),
        Err(error) if missing_is_empty && error.kind() == ErrorKind::NotFound => {
            Ok(stream::empty().boxed())
        }
        Err(error) => Err(error),
    }
}

/// The entry of `theirs` at `key`; both sides are sorted, so what lies before it is done with.
async fn same_key(
    theirs: &mut Peekable<BoxStream<'_, Result<KeyInfo>>>,
    key: &Key,
) -> Result<Option<KeyInfo>> {
    let mut theirs = std::pin::Pin::new(theirs);
    loop {
        let order = match theirs.as_mut().peek().await {
            None => return Ok(None),
            Some(Err(_)) => Ordering::Less,
            Some(Ok(there)) => there.key.cmp(key),
        };
        match order {
            Ordering::Greater => return Ok(None),
            Ordering::Equal => return theirs.next().await.transpose(),
            Ordering::Less => {
                theirs.next().await.transpose()?;
            }
        }
    }
}

/// The values whose key is the start of the key at hand: in sorted order, all that such a value could lie above follow it.
#[derive(Debug, Default)]
pub(super) struct Ancestors(Vec<Key>);

impl Ancestors {
    /// The value above `entry`, if there is one; told once for each value.
    pub(super) fn above(&mut self, entry: &KeyInfo) -> Option<Key> {
        while self.0.last().is_some_and(|last| !entry.key.as_str().starts_with(last.as_str())) {
            self.0.pop();
        }
        let found = self.0.iter().position(|file| entry.key.is_below(&Dir::from(file)));
        let above = found.map(|at| self.0.remove(at));
        if entry.is_terminal {
            self.0.push(entry.key.clone());
        }
        above
    }
}
