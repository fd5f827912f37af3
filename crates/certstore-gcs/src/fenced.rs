//! Writes under a lock: refused once a newer holder has written, by the stamp that every such write leaves.

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, Lock, Result, Version, Versioned};
use certstore_objects::{FenceStamp, fenced};

use crate::answer::Answer;
use crate::bucket::{Done, Got, Head, Metadata, When, version};
use crate::declared;
use crate::error::{on, said_no};
use crate::register::GcsRecords;
use crate::storage::Inner;

/// How often a write that met another one of the same lock is tried.
const ATTEMPTS: usize = 4;

/// What a fenced call does to the object once it may.
enum Effect {
    Store(Bytes),
    Delete,
}

impl Inner {
    pub(crate) async fn store_fenced(
        &self,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        let object = self.tree.value(key)?;
        guard.check()?;
        self.require_conditions().await?;
        declared::check_size(value)?;
        let effect = Effect::Store(Bytes::copy_from_slice(value));
        let stored = self.fenced(&object, guard, &effect).await?;
        stored.ok_or_else(|| Error::new(ErrorKind::Other, "a fenced store gave no version"))
    }

    pub(crate) async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let object = self.tree.value(key)?;
        self.fenced(&object, guard, &Effect::Delete).await.map(drop)
    }

    /// The value, if a write under this lock may follow.
    pub(crate) async fn load_under(&self, key: &Key, guard: &Lock) -> Result<Option<Versioned>> {
        let load = async {
            guard.check()?;
            let object = self.tree.value(key)?;
            let Got::Object(object) = self.bucket.get(&object, None, declared::MAX_VALUE).await?
            else {
                return Ok(None);
            };
            let found = FenceStamp::read(&object.head.metadata)?;
            if found.is_some_and(|found| found.refuses(&FenceStamp::of(guard))) {
                return Err(fenced());
            }
            Ok(Some(Versioned { version: object.head.version(), value: object.body }))
        };
        load.await.map_err(on("store", key))
    }

    /// The bucket for writes on conditions.
    pub(crate) fn records(&self) -> GcsRecords {
        GcsRecords::new(self.bucket.clone(), self.bucket.timeout)
    }

    /// Looks at the stamp, then writes on the generation that was looked at.
    async fn fenced(&self, object: &str, guard: &Lock, effect: &Effect) -> Result<Option<Version>> {
        let stamp = FenceStamp::of(guard);
        let mut refused: Option<Answer> = None;
        for _ in 0..ATTEMPTS {
            let head = self.bucket.head(object).await?;
            // Nothing to delete, or not any more.
            if head.is_none() && matches!(effect, Effect::Delete) {
                return Ok(None);
            }
            let found = head.as_ref().map(|head| FenceStamp::read(&head.metadata)).transpose()?;
            let found = found.flatten();
            if found.as_ref().is_some_and(|found| found.refuses(&stamp)) {
                return Err(fenced());
            }
            if let Some(answer) = refused
                && !found.is_some_and(|found| found.is_same_lock(&stamp))
            {
                return Err(said_no(answer));
            }
            guard.check()?;
            match self.take_effect(object, head.as_ref(), &stamp, effect).await? {
                Done::Yes(version) => return Ok(version),
                Done::No(answer) => refused = Some(answer),
            }
        }
        let message = "other writers came between again and again; read the value and try again";
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// Writes on the generation that was looked at.
    async fn take_effect(
        &self,
        object: &str,
        head: Option<&Head>,
        stamp: &FenceStamp,
        effect: &Effect,
    ) -> Result<Done<Option<Version>>> {
        let generation = head.map_or(0, |head| head.generation);
        Ok(match effect {
            Effect::Store(body) => {
                match self
                    .bucket
                    .put_if(object, body, Metadata::from([stamp.entry()]), generation)
                    .await?
                {
                    Done::Yes(generation) => Done::Yes(Some(version(generation))),
                    Done::No(answer) => Done::No(answer),
                }
            }
            Effect::Delete if generation == 0 => Done::Yes(None),
            Effect::Delete => {
                match self.bucket.delete(object, When::Generation(generation)).await? {
                    Done::Yes(()) => Done::Yes(None),
                    Done::No(answer) => Done::No(answer),
                }
            }
        })
    }
}
