//! Rewriting one value, without losing another writer's.

use std::sync::Arc;

use bytes::Bytes;
use certstore_core::{
    Batch, Condition, Error, ErrorKind, Key, Lock, Result, Storage, Version, VersionKind, Versioned,
};

use super::aead::{Content, Opened};
use super::marker::{CONTENT, MARKER};
use super::storage::SealedStorage;

/// How often one value is tried again when writers keep coming between.
const ATTEMPTS: usize = 32;

/// What a value should become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Sealed under the primary key; with `plaintext`, from plaintext, too.
    Sealed {
        plaintext: bool,
    },
    Plain,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// With the length of the value.
    Rewritten(u64),
    Unchanged,
    Vanished,
    Damaged(Key),
}

pub(super) struct Rewriter<'a> {
    storage: &'a SealedStorage,
    goal: Goal,
    /// The maintenance lock, where there are no conditions.
    guard: Option<&'a Lock>,
    versioned: bool,
    journalled: bool,
}

/// What stands at a key.
struct Found {
    stored: Bytes,
    version: Option<Version>,
    /// The value that stands for it: of a journal that its writer left, else what is stored.
    current: Bytes,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(storage: &'a SealedStorage, goal: Goal, guard: Option<&'a Lock>) -> Self {
        let declared = storage.inner().capabilities();
        Self {
            storage,
            goal,
            guard,
            versioned: declared.version != VersionKind::None,
            journalled: declared.batch == Batch::Journalled,
        }
    }

    pub(super) fn inner(&self) -> &'a Arc<dyn Storage> {
        self.storage.inner()
    }

    /// Brings the value of `key` to the goal.
    ///
    /// # Errors
    /// As [`reseal`](super::reseal).
    pub(super) async fn rewrite(&self, key: Key) -> Result<Outcome> {
        for _ in 0..ATTEMPTS {
            match self.attempt(&key).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::Vanished),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(%key, %error, "a value does not open and is left as it is");
                    return Ok(Outcome::Damaged(key));
                }
                done => return done,
            }
        }
        let message = "writers come so fast that the value could not be rewritten; try again";
        Err(self.on(&key, Error::new(ErrorKind::Unavailable, message)))
    }

    async fn attempt(&self, key: &Key) -> Result<Outcome> {
        let found = self.read(key).await?;
        let (value, at_goal) = self.judge(key, found.current.clone())?;
        // A journal's value may be at its goal while the one below it, which a plain load gives, is not.
        let below = found.stored == found.current
            || self.judge(key, found.stored).is_ok_and(|(_, at_goal)| at_goal);
        if at_goal && below {
            return Ok(Outcome::Unchanged);
        }
        let written = match self.goal {
            Goal::Plain => value.clone(),
            Goal::Sealed { .. } => self.storage.seal(key, &value)?,
        };
        self.write(key, &written, found.version).await?;
        Ok(Outcome::Rewritten(value.len() as u64))
    }

    /// The version first: what a journal brings after it has another one, and the write is refused.
    async fn read(&self, key: &Key) -> Result<Found> {
        let (stored, version) = if self.versioned {
            let Versioned { value, version } = self.inner().load_versioned(key).await?;
            (value, Some(version))
        } else {
            (self.inner().load(key).await?, None)
        };
        let current = if self.journalled {
            self.inner().load_bundle(&[key]).await?.into_iter().next()
        } else {
            None
        };
        Ok(Found { current: current.unwrap_or_else(|| stored.clone()), stored, version })
    }

    /// The value in what is stored, and whether that is as it should be.
    fn judge(&self, key: &Key, stored: Bytes) -> Result<(Bytes, bool)> {
        match (self.storage.classify(key, stored)?, self.goal) {
            (Content::Sealed(Opened { value, key: id }), Goal::Sealed { .. }) => {
                Ok((value, id == self.storage.keyset().primary_id()))
            }
            (Content::Plain(value), Goal::Sealed { plaintext: true }) => Ok((value, false)),
            (Content::Plain(_), Goal::Sealed { plaintext: false }) => {
                let message = "the value is not sealed, or sealed with a key that is not in the keyset; if the store is not sealed yet, seal it in place";
                Err(self.on(key, Error::new(ErrorKind::Corrupt, message)))
            }
            (Content::Sealed(opened), Goal::Plain) => Ok((opened.value, false)),
            (Content::Plain(value), Goal::Plain) => Ok((value, true)),
        }
    }

    async fn write(&self, key: &Key, value: &[u8], version: Option<Version>) -> Result<()> {
        let Some(guard) = self.guard else {
            let version = version.ok_or_else(|| Error::unsupported("there are no versions"))?;
            let condition = Condition::Version(version);
            return self.inner().store_if(key, value, &condition).await.map(drop);
        };
        // Nobody should write meanwhile; one who does all the same is seen but for the time of one request.
        if version.is_some() && self.inner().stat(key).await?.version != version {
            let message = "the value was written meanwhile";
            return Err(self.on(key, Error::new(ErrorKind::Conflict, message)));
        }
        guard.check()?;
        self.inner().store(key, value).await.map(drop)
    }

    /// Says that the store is wholly sealed, unless that is said already, under the primary key.
    pub(super) async fn mark(&self) -> Result<()> {
        let data = self.storage.marker_data();
        let keyset = self.storage.keyset();
        let there = match self.inner().load(&MARKER).await {
            Ok(sealed) => keyset
                .open_by(sealed, &data)
                .is_ok_and(|opened| opened.key == keyset.primary_id() && opened.value == CONTENT),
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !there {
            self.inner().store(&MARKER, &keyset.seal(CONTENT, &data)?).await?;
        }
        Ok(())
    }

    fn on(&self, key: &Key, error: Error) -> Error {
        error.with_operation("reseal").with_key(key).with_backend(self.storage.backend())
    }
}
