//! Doing the operation.

use bytes::Bytes;
use certstore_core::{Condition, Dir, Error, ErrorKind, Key, Result};
use futures_util::TryStreamExt as _;

use super::Operation;
use super::stage::{NEW, OLD, Stage};
use crate::loopback::ArmedFault;

/// How the operation ended: with an error, or with an answer; a wrong answer is told.
pub(super) type Ending = Result<Answer>;

/// What an operation that succeeded has answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Right,
    Wrong(String),
}

impl Stage {
    /// # Errors
    /// Of the operation.
    pub(super) async fn act(&mut self, operation: Operation, fault: &ArmedFault) -> Ending {
        if operation.is_about_locks() {
            return self.act_on_lock(operation, fault).await;
        }
        if operation.reads_only() {
            return self.read(operation).await;
        }
        self.write(operation).await?;
        Ok(Answer::Right)
    }

    async fn write(&mut self, operation: Operation) -> Result<()> {
        let (storage, value) = (&self.storage, self.value()?);
        match operation {
            Operation::Store => storage.store(&value, NEW).await.map(drop),
            Operation::StoreIfAbsent => {
                storage.store_if(&value, NEW, &Condition::Absent).await.map(drop)
            }
            Operation::StoreIfVersion => {
                let version = self.version.clone().ok_or_else(unset)?;
                storage.store_if(&value, NEW, &Condition::Version(version)).await.map(drop)
            }
            Operation::StoreFenced => {
                let guard = self.guard.as_ref().ok_or_else(unset)?;
                storage.store_fenced(&value, NEW, guard).await.map(drop)
            }
            Operation::StoreAll => {
                let (key, crt) = self.bundle()?;
                storage.store_all(&[(&key, NEW), (&crt, NEW)]).await
            }
            Operation::StoreAllFenced => {
                let ((key, crt), guard) = (self.bundle()?, self.guard.as_ref().ok_or_else(unset)?);
                storage.store_all_fenced(&[(&key, NEW), (&crt, NEW)], guard).await
            }
            Operation::DeleteFile => storage.delete(&value).await,
            Operation::DeleteDirectory => storage.delete(&self.directory()?).await,
            Operation::DeleteIf => {
                let version = self.version.clone().ok_or_else(unset)?;
                storage.delete_if(&value, &version).await
            }
            Operation::DeleteFenced => {
                let guard = self.guard.as_ref().ok_or_else(unset)?;
                storage.delete_fenced(&value, guard).await
            }
            _ => Err(unset()),
        }
    }

    async fn read(&mut self, operation: Operation) -> Ending {
        let (storage, value) = (&self.storage, self.value()?);
        let tree = Dir::new(self.directory()?.as_str())?;
        let all = [self.tree("1")?, self.tree("sub")?, self.tree("sub/2")?];
        Ok(match operation {
            Operation::Load => expect(&storage.load(&value).await?, &Bytes::from_static(OLD)),
            Operation::LoadVersioned => {
                let found = storage.load_versioned(&value).await?;
                let version = self.version.clone().ok_or_else(unset)?;
                expect(&(found.value, found.version), &(Bytes::from_static(OLD), version))
            }
            Operation::LoadMany => self.load_many(&value).await?,
            Operation::LoadBundle => {
                let (key, crt) = self.bundle()?;
                expect(
                    &storage.load_bundle(&[&key, &crt]).await?,
                    &vec![Bytes::from_static(OLD); 2],
                )
            }
            Operation::Exists => expect(&storage.exists(&value).await?, &true),
            Operation::ExistsDirectory => expect(&storage.exists(&self.directory()?).await?, &true),
            Operation::List => expect(&storage.list(&tree, false).await?, &all[..2].to_vec()),
            Operation::ListRecursive => expect(&storage.list(&tree, true).await?, &all.to_vec()),
            Operation::Walk => {
                let found: Vec<_> = storage.walk(&tree).try_collect().await?;
                let found: Vec<Key> = found.into_iter().map(|info| info.key).collect();
                expect(&found, &all.to_vec())
            }
            Operation::Stat => {
                let info = storage.stat(&value).await?;
                expect(&(info.key, info.is_terminal), &(value, true))
            }
            _ => return Err(unset()),
        })
    }

    /// Each key has its own result; the first fault among them counts as the operation's.
    async fn load_many(&self, value: &Key) -> Ending {
        let missing = self.missing()?;
        let mut found = self.storage.load_many(&[value, &missing, value]).await.into_iter();
        let (Some(first), Some(second), Some(third), None) =
            (found.next(), found.next(), found.next(), found.next())
        else {
            return Ok(Answer::Wrong("not as many results as keys".to_owned()));
        };
        let second = match second {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(_) => return Ok(Answer::Wrong("a missing key has a value".to_owned())),
        };
        let values: Vec<_> = [&first, &third].into_iter().flatten().collect();
        if values.iter().any(|value| value.as_ref() != OLD) {
            return Ok(Answer::Wrong(format!("{values:?}")));
        }
        first?;
        second?;
        third?;
        Ok(Answer::Right)
    }
}

pub(super) fn expect<T: PartialEq + std::fmt::Debug>(found: &T, right: &T) -> Answer {
    if found == right {
        Answer::Right
    } else {
        Answer::Wrong(format!("{found:?} in place of {right:?}"))
    }
}

/// The matrix itself is wrong.
pub(super) fn unset() -> Error {
    Error::new(ErrorKind::Other, "the stage is not set for this operation")
}
