//! Lock records: one small object a lock, written on the condition of its generation, set free and never deleted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::{Look, Record, Register, Stored, Swap};
use certstore_core::{Error, ErrorKind, Result, Version};

use crate::bucket::{Bucket, Done, Got, Metadata, Object, When, generation, version};
use crate::error::BACKEND;
use crate::listing::Query;
use crate::names::{Names, unmapped};

/// The longest record that is read, in bytes; real ones have some hundred.
const MAX_RECORD: u64 = 64 << 10;

/// The records under one prefix.
pub(crate) struct GcsRegister {
    bucket: Arc<Bucket>,
    names: Names,
    /// How long a write may go on that is refused for coming too soon; a lease leaves no more time for a request.
    patience: Duration,
}

impl GcsRegister {
    pub(crate) fn new(bucket: Arc<Bucket>, names: Names, request: Duration) -> Self {
        // Less than the lease's own limit, so that a refusal comes back as one and not as a reply that is missing.
        let patience = (request * 3 / 4).min(bucket.timeout);
        Self { bucket, names, patience }
    }

    async fn get(&self, object: &str, unless: Option<i64>) -> Result<Got> {
        self.bucket.get(object, unless, MAX_RECORD).await.map_err(|error| match error.kind() {
            ErrorKind::TooLarge => {
                Error::new(ErrorKind::Corrupt, "the lock record is longer than any is")
                    .with_backend(BACKEND)
                    .with_source(error)
            }
            _ => error,
        })
    }

    /// The name of a lock, of which the object only has a digest.
    async fn name_in(&self, object: &str) -> Option<String> {
        let got = self.get(object, None).await;
        match got.and_then(|got| {
            if let Got::Object(found) = got { stored(&found).map(Some) } else { Ok(None) }
        }) {
            Ok(found) => found.map(|found| found.record.name),
            Err(error) => {
                tracing::warn!(object, %error, "a lock record cannot be read");
                None
            }
        }
    }
}

fn stored(object: &Object) -> Result<Stored> {
    let text = std::str::from_utf8(&object.body).map_err(|_| {
        Error::new(ErrorKind::Corrupt, "the lock record is no text").with_backend(BACKEND)
    })?;
    Ok(Stored { record: Record::decode(text)?, version: object.head.version() })
}

#[async_trait]
impl Register for GcsRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        match self.get(&self.names.lock(name), None).await? {
            Got::Object(object) => stored(&object).map(Some),
            Got::Missing | Got::Unchanged => Ok(None),
        }
    }

    async fn look(&self, name: &str, known: &Stored) -> Result<Look> {
        match self.get(&self.names.lock(name), generation(&known.version)).await? {
            Got::Object(object) => Ok(Look::Changed(Some(stored(&object)?))),
            Got::Missing => Ok(Look::Changed(None)),
            Got::Unchanged => Ok(Look::Unchanged),
        }
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let when = match expected {
            None => When::ABSENT,
            Some(expected) => match generation(expected) {
                Some(generation) => When::Generation(generation),
                None => return Ok(Swap::Conflict),
            },
        };
        let (object, body) = (self.names.lock(name), Bytes::from(record.encode()));
        let none = Metadata::new();
        let put = self.bucket.put_within(self.patience, &object, &body, &none, when);
        Ok(match put.await? {
            Done::Yes(generation) => Swap::Done(version(generation)),
            Done::No(_) => Swap::Conflict,
        })
    }

    async fn names(&self) -> Result<Vec<String>> {
        let locks = self.names.locks();
        let (query, mut token) = (Query::deep(&locks), None);
        let mut names = Vec::new();
        loop {
            let page = self.bucket.page(&query, token).await?;
            for object in page.objects {
                let Some(mapped) = object.name.strip_prefix(&locks) else { continue };
                match unmapped(mapped) {
                    Some(name) => names.push(name),
                    None => names.extend(self.name_in(&object.name).await),
                }
            }
            token = page.next;
            if token.is_none() {
                return Ok(names);
            }
        }
    }
}
