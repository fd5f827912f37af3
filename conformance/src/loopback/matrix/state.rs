//! What is left behind, as another client sees it.

use bytes::Bytes;
use certstore_core::{ErrorKind, Key, Listing, Result};

use super::Operation;
use super::stage::{NEW, OLD, Stage};

/// What the operation has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Old,
    /// All that it should.
    New,
    /// A part of a directory is deleted, and what is there is whole.
    Part,
    /// What nobody has stored, or half of a bundle.
    Broken,
}

impl Stage {
    /// # Errors
    /// Of the observer.
    pub(super) async fn state(&self, operation: Operation) -> Result<State> {
        match operation {
            Operation::StoreAll | Operation::StoreAllFenced => self.state_of_bundle().await,
            Operation::DeleteDirectory => self.state_of_directory().await,
            Operation::LoadBundle
            | Operation::ExistsDirectory
            | Operation::List
            | Operation::ListRecursive
            | Operation::Walk => Ok(State::Old),
            _ => {
                let (before, after) = match operation {
                    Operation::StoreIfAbsent => (None, Some(NEW)),
                    Operation::DeleteFile | Operation::DeleteIf | Operation::DeleteFenced => {
                        (Some(OLD), None)
                    }
                    _ => (Some(OLD), Some(NEW)),
                };
                let found = self.found(&self.value()?).await?;
                Ok(match found.as_deref() {
                    found if found == before => State::Old,
                    found if found == after => State::New,
                    _ => State::Broken,
                })
            }
        }
    }

    async fn state_of_bundle(&self) -> Result<State> {
        let (key, crt) = self.bundle()?;
        let found = self.observer.load_bundle(&[&key, &crt]).await?;
        Ok(match [found[0].as_ref(), found[1].as_ref()] {
            [OLD, OLD] => State::Old,
            [NEW, NEW] => State::New,
            _ => State::Broken,
        })
    }

    async fn state_of_directory(&self) -> Result<State> {
        if self.found(&self.neighbour()?).await?.as_deref() != Some(OLD) {
            return Ok(State::Broken);
        }
        let first = self.found(&self.tree("1")?).await?;
        let second = self.found(&self.tree("sub/2")?).await?;
        let there = match self.observer.capabilities().list {
            Listing::Immediate => self.observer.exists(&self.directory()?).await?,
            // It may still see its own values there; single ones are never judged by a list.
            _ => first.is_some() || second.is_some(),
        };
        Ok(match (first.as_deref(), second.as_deref(), there) {
            (Some(OLD), Some(OLD), true) => State::Old,
            (None, None, false) => State::New,
            (None | Some(OLD), None | Some(OLD), true) => State::Part,
            _ => State::Broken,
        })
    }

    async fn found(&self, key: &Key) -> Result<Option<Bytes>> {
        match self.observer.load(key).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
