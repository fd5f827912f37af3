//! What an import will meet, found before the first write.

use std::collections::HashSet;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, Result, Storage, Tree};

use super::import::ImportReport;

/// How many obstacles an error names.
const NAMED: usize = 3;

/// What one value is to the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    New,
    Unchanged,
    Different,
}

/// What stands at `key` already.
pub(super) async fn standing(storage: &dyn Storage, key: &Key, value: &[u8]) -> Result<Standing> {
    match storage.load(key).await {
        Ok(there) if there == value => Ok(Standing::Unchanged),
        Ok(_) => Ok(Standing::Different),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Standing::New),
        Err(error) => Err(error),
    }
}

/// Goes through an archive once, without writing.
pub(super) struct Checker<'a> {
    storage: &'a dyn Storage,
    overwrite: bool,
    exclusive: bool,
    keys: HashSet<Key>,
    /// Directories above values of the archive, that are known to be none in the storage.
    directories: HashSet<Key>,
    obstacles: Vec<String>,
    more: u64,
    pub(super) report: ImportReport,
}

impl<'a> Checker<'a> {
    pub(super) fn new(storage: &'a dyn Storage, overwrite: bool) -> Self {
        Self {
            storage,
            overwrite,
            exclusive: storage.capabilities().tree == Tree::Exclusive,
            keys: HashSet::new(),
            directories: HashSet::new(),
            obstacles: Vec::new(),
            more: 0,
            report: ImportReport::default(),
        }
    }

    pub(super) async fn look_at(&mut self, key: Key, value: &Bytes) -> Result<()> {
        let limit = self.storage.capabilities().max_value;
        if limit.is_some_and(|limit| value.len() as u64 > limit) {
            self.obstacle(format!("{key} has {} bytes, more than the storage takes", value.len()));
        }
        let standing = standing(self.storage, &key, value).await?;
        self.report.count(standing, value.len() as u64);
        if standing == Standing::Different && !self.overwrite {
            self.obstacle(format!("{key} has another value already"));
        }
        if self.exclusive && standing == Standing::New {
            if self.storage.exists(&key).await? {
                self.obstacle(format!("{key} is a directory in the storage"));
            }
            self.look_above(&key).await?;
        }
        if !self.keys.insert(key.clone()) {
            self.obstacle(format!("{key} is in the archive twice"));
        }
        Ok(())
    }

    /// Values of the storage that lie where the archive has directories.
    async fn look_above(&mut self, key: &Key) -> Result<()> {
        let mut above = key.parent();
        while let Some(directory) = above.key().cloned() {
            if !self.directories.insert(directory.clone()) {
                break;
            }
            match self.storage.stat(&directory).await {
                Ok(there) if there.is_terminal => {
                    self.obstacle(format!("{directory} is a value in the storage"));
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            above = directory.parent();
        }
        Ok(())
    }

    /// Fails where something stands in the way.
    pub(super) fn verdict(mut self) -> Result<ImportReport> {
        if self.exclusive {
            let both: Vec<_> = self.keys.intersection(&self.directories).cloned().collect();
            both.iter().for_each(|key| {
                self.obstacle(format!("{key} is a value and a directory in the archive"));
            });
        }
        if self.obstacles.is_empty() {
            return Ok(self.report);
        }
        let more = if self.more > 0 { format!("; and {} more", self.more) } else { String::new() };
        let message = format!("{}{more}; nothing was written", self.obstacles.join("; "));
        Err(Error::new(ErrorKind::Conflict, message)
            .with_operation("import")
            .with_backend(self.storage.backend()))
    }

    fn obstacle(&mut self, text: String) {
        if self.obstacles.len() < NAMED { self.obstacles.push(text) } else { self.more += 1 }
    }
}
