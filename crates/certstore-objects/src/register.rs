//! Lock records: one small object a lock, written on the condition of its version, set free and never deleted.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::{Look, Record, Register, Stored, Swap};
use certstore_core::{Error, ErrorKind, Result, Version};

use crate::{ObjectNames, ObjectStore, Query, unmapped};

/// The longest record that is read, in bytes; real ones have some hundred.
const MAX_RECORD: u64 = 64 << 10;

/// What became of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An object: its body, and its version.
    Object(Bytes, Version),
    /// There is none.
    Missing,
    /// It still has the version that the caller knows.
    Unchanged,
}

/// Conditional reads and writes of one bucket.
#[async_trait]
pub trait Records: Send + Sync {
    /// The bucket.
    type Store: ObjectStore;

    /// The bucket.
    fn store(&self) -> &Self::Store;

    /// An object; its body only if it has not the version `unless` any more.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`]: it has more than `limit` bytes. Else of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn get(&self, object: &str, unless: Option<&Version>, limit: u64) -> Result<Found>;

    /// Writes an object on the condition that it has the `expected` version, or is not there; sent once.
    ///
    /// # Errors
    /// As [`Register::swap`].
    ///
    /// # Cancel safety
    /// As [`Register::swap`].
    async fn put(&self, object: &str, expected: Option<&Version>, body: Bytes) -> Result<Swap>;

    /// Deletes an object on the condition that it has the `expected` version; `false`: it has not. Sent once.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Dropped, the delete may still take effect, once, on its condition.
    async fn delete(&self, object: &str, expected: &Version) -> Result<bool>;
}

/// The records under one prefix.
#[derive(Debug)]
pub struct ObjectRegister<R> {
    records: R,
    names: ObjectNames,
}

impl<R: Records> ObjectRegister<R> {
    /// The records of `names`. Makes no request.
    #[must_use]
    pub fn new(records: R, names: ObjectNames) -> Self {
        Self { records, names }
    }

    async fn get(&self, object: &str, unless: Option<&Version>) -> Result<Found> {
        self.records.get(object, unless, MAX_RECORD).await.map_err(|error| match error.kind() {
            ErrorKind::TooLarge => {
                self.corrupt("the lock record is longer than any is").with_source(error)
            }
            _ => error,
        })
    }

    /// The name of a lock, of which the object only has a digest.
    async fn name_in(&self, object: &str) -> Option<String> {
        let found = self.get(object, None).await.and_then(|found| match found {
            Found::Object(body, version) => self.stored(&body, version).map(Some),
            Found::Missing | Found::Unchanged => Ok(None),
        });
        match found {
            Ok(found) => found.map(|found| found.record.name),
            Err(error) => {
                tracing::warn!(object, %error, "a lock record cannot be read");
                None
            }
        }
    }

    fn stored(&self, body: &[u8], version: Version) -> Result<Stored> {
        let text =
            std::str::from_utf8(body).map_err(|_| self.corrupt("the lock record is no text"))?;
        Ok(Stored { record: Record::decode(text)?, version })
    }

    fn corrupt(&self, message: &'static str) -> Error {
        Error::new(ErrorKind::Corrupt, message).with_backend(self.names.backend())
    }
}

#[async_trait]
impl<R: Records + 'static> Register for ObjectRegister<R> {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        match self.get(&self.names.lock(name), None).await? {
            Found::Object(body, version) => self.stored(&body, version).map(Some),
            Found::Missing | Found::Unchanged => Ok(None),
        }
    }

    async fn look(&self, name: &str, known: &Stored) -> Result<Look> {
        match self.get(&self.names.lock(name), Some(&known.version)).await? {
            Found::Object(body, version) => Ok(Look::Changed(Some(self.stored(&body, version)?))),
            Found::Missing => Ok(Look::Changed(None)),
            Found::Unchanged => Ok(Look::Unchanged),
        }
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        self.records.put(&self.names.lock(name), expected, Bytes::from(record.encode())).await
    }

    async fn names(&self) -> Result<Vec<String>> {
        let locks = self.names.locks();
        let (query, mut token) = (Query::deep(&locks), None);
        let mut names = Vec::new();
        loop {
            let page = self.records.store().page(&query, token.as_deref()).await?;
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
