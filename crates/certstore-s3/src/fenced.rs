//! Writes under a lock: refused once a newer holder has written, by the stamp that every such write leaves.

use std::collections::HashMap;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, Lock, Result, Version, Versioned};
use certstore_objects::{FenceStamp, fenced};

use crate::bucket::{Done, Got, Head, When};
use crate::declared;
use crate::error::{Answer, on, said_no};
use crate::proof::Need;
use crate::register::S3Records;
use crate::storage::{Inner, MAX_STORED};

/// How often a write that met another one of the same lock is tried.
const ATTEMPTS: usize = 4;

/// What a fenced call does to the object once it may.
enum Effect {
    /// One body for all tries: one that went through although its reply was lost is not written twice.
    Store(Bytes, Option<HashMap<String, String>>),
    Delete,
}

impl Inner {
    pub(crate) async fn check_fenced(&self, guard: &Lock) -> Result<()> {
        if !self.stamped {
            return Err(Error::unsupported(
                "fenced writes need values that differ in every write; set stamped = true",
            ));
        }
        guard.check()?;
        self.require(Need::Delete).await
    }

    pub(crate) async fn store_fenced(
        &self,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        let object = self.writable(key)?;
        self.check_fenced(guard).await?;
        declared::check_size(value)?;
        let stamp = FenceStamp::of(guard);
        let (body, metadata) = declared::body(true, value, Some(&stamp));
        let stored = self.fenced(&object, &stamp, guard, &Effect::Store(body, metadata)).await?;
        stored.ok_or_else(|| Error::new(ErrorKind::Other, "a fenced store gave no version"))
    }

    pub(crate) async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let object = self.writable(key)?;
        let stamp = FenceStamp::of(guard);
        self.fenced(&object, &stamp, guard, &Effect::Delete).await.map(drop)
    }

    /// The value, if a write under this lock may follow.
    pub(crate) async fn load_under(&self, key: &Key, guard: &Lock) -> Result<Option<Versioned>> {
        let load = async {
            self.check_fenced(guard).await?;
            let Got::Object(object) =
                self.bucket.get(&self.writable(key)?, None, MAX_STORED).await?
            else {
                return Ok(None);
            };
            let found = FenceStamp::read(&object.head.metadata)?;
            if found.is_some_and(|found| found.refuses(&FenceStamp::of(guard))) {
                return Err(fenced());
            }
            let version = object.head.version();
            Ok(Some(Versioned { value: self.value(object)?, version }))
        };
        load.await.map_err(on("store", key))
    }

    /// The bucket for writes on conditions.
    pub(crate) fn records(&self) -> S3Records {
        S3Records { bucket: self.bucket.clone(), proof: self.proof.clone() }
    }

    /// Looks at the stamp, then writes on the version that was looked at.
    async fn fenced(
        &self,
        object: &str,
        stamp: &FenceStamp,
        guard: &Lock,
        effect: &Effect,
    ) -> Result<Option<Version>> {
        let mut refused: Option<Answer> = None;
        for _ in 0..ATTEMPTS {
            let head = self.bucket.head(object).await?;
            // Nothing to delete, or not any more.
            if head.is_none() && matches!(effect, Effect::Delete) {
                return Ok(None);
            }
            let found = head.as_ref().map(|head| FenceStamp::read(&head.metadata)).transpose()?;
            let found = found.flatten();
            if found.as_ref().is_some_and(|found| found.refuses(stamp)) {
                return Err(fenced());
            }
            if let Some(answer) = refused
                && !found.is_some_and(|found| found.is_same_lock(stamp))
            {
                return Err(said_no(answer));
            }
            guard.check()?;
            match self.take_effect(object, head, effect).await? {
                Done::Yes(version) => return Ok(version),
                Done::No(answer) => refused = Some(answer),
            }
        }
        let message = "other writers came between again and again; read the value and try again";
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// Writes on the version that was looked at.
    async fn take_effect(
        &self,
        object: &str,
        head: Option<Head>,
        effect: &Effect,
    ) -> Result<Done<Option<Version>>> {
        let when = head.as_ref().map(|head| self.proof.matches(&head.etag));
        match (effect, when) {
            (Effect::Store(body, metadata), when) => {
                let when = when.unwrap_or(When::Absent);
                let done = self.bucket.put_if(object, body, metadata.as_ref(), &when).await?;
                Ok(match done {
                    Done::Yes(etag) => Done::Yes(Some(Version::new(etag))),
                    Done::No(answer) => Done::No(answer),
                })
            }
            (Effect::Delete, None) => Ok(Done::Yes(None)),
            (Effect::Delete, Some(when)) => {
                Ok(match self.bucket.delete_if(object, &when).await? {
                    Done::Yes(()) => Done::Yes(None),
                    Done::No(answer) => Done::No(answer),
                })
            }
        }
    }
}
