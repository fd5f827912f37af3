//! The requests, each within its time: objects in, out and gone. The one place that builds them.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use certstore_core::{Error, ErrorKind, Result, Version};
use certstore_objects::{Access, silence};
use google_cloud_gax::error::Error as Failed;
use google_cloud_storage::model;

use crate::again::{Sending, send};
use crate::answer::Answer;
use crate::client::Clients;
use crate::config::GcsConfig;
use crate::error::{BACKEND, answered, failed};

/// Custom metadata of an object.
pub(crate) type Metadata = HashMap<String, String>;

/// The bucket and how it is reached.
pub(crate) struct Bucket {
    pub(crate) clients: Clients,
    pub(crate) name: String,
    /// The bucket's name as the driver wants it.
    pub(crate) path: String,
    /// What all object names begin with; empty, or with a slash at its end.
    pub(crate) base: String,
    pub(crate) timeout: Duration,
}

/// What is known of an object without its body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) generation: i64,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) metadata: Metadata,
}

impl Head {
    pub(crate) fn version(&self) -> Version {
        version(self.generation)
    }

    pub(crate) fn of(object: model::Object) -> Self {
        // Of this generation: the time of an update moves with holds and storage classes, too.
        let modified = object.create_time.or(object.update_time).and_then(|time| {
            let seconds = u64::try_from(time.seconds()).ok()?;
            UNIX_EPOCH.checked_add(Duration::new(seconds, u32::try_from(time.nanos()).ok()?))
        });
        Self {
            generation: object.generation,
            size: u64::try_from(object.size).unwrap_or_default(),
            modified,
            metadata: object.metadata,
        }
    }
}

pub(crate) fn version(generation: i64) -> Version {
    Version::new(generation.to_string())
}

/// The generation that a version names; `None`: none was ever given out like this.
pub(crate) fn generation(version: &Version) -> Option<i64> {
    version.as_str().parse().ok().filter(|generation| *generation > 0)
}

/// An object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

/// What became of a read.
#[derive(Debug)]
pub(crate) enum Got {
    Object(Object),
    Missing,
    /// It still has the generation that the caller knows.
    Unchanged,
}

/// When a write may take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// The live object has this generation; 0: there is none.
    Generation(i64),
}

impl When {
    pub(crate) const ABSENT: Self = Self::Generation(0);

    fn sending(self) -> Sending {
        if self == Self::Always { Sending::Repeats } else { Sending::Once }
    }
}

/// What became of a conditional request.
#[derive(Debug)]
pub(crate) enum Done<T> {
    Yes(T),
    /// The condition did not hold; nothing was written by this request.
    No(Answer),
}

impl Bucket {
    pub(crate) fn new(clients: Clients, config: &GcsConfig) -> Self {
        Self {
            clients,
            name: config.bucket.clone(),
            path: format!("projects/_/buckets/{}", config.bucket),
            base: config.base(),
            timeout: config.timeout,
        }
    }

    /// # Errors
    /// [`ErrorKind::TooLarge`] when the object has more than `limit` bytes, which are then not read.
    pub(crate) async fn get(&self, object: &str, unless: Option<i64>, limit: u64) -> Result<Got> {
        send(self.timeout, Sending::Reads, || self.get_once(object, unless, limit)).await
    }

    async fn get_once(&self, object: &str, unless: Option<i64>, limit: u64) -> Result<Got> {
        let mut request = self.clients.data.read_object(&self.path, object);
        if let Some(known) = unless {
            request = request.set_if_generation_not_match(known);
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return match Answer::of(&error) {
                    Some(answer) if answer.is_missing() => Ok(Got::Missing),
                    Some(answer) if answer.is_unchanged() => Ok(Got::Unchanged),
                    _ => Err(failed(&error, Access::Read)),
                };
            }
        };
        let found = response.object();
        let size = u64::try_from(found.size).unwrap_or_default();
        if size > limit {
            return Err(too_large(size, limit));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.next().await {
            body.extend_from_slice(&chunk.map_err(|error| silence::cut_short(BACKEND, &error))?);
            if body.len() as u64 > limit {
                return Err(too_large(body.len() as u64, limit));
            }
        }
        let head = Head {
            generation: found.generation,
            size: body.len() as u64,
            modified: None,
            metadata: found.metadata,
        };
        Ok(Got::Object(Object { head, body: body.freeze() }))
    }

    /// `None`: there is no such object.
    pub(crate) async fn head(&self, object: &str) -> Result<Option<Head>> {
        send(self.timeout, Sending::Reads, || async {
            let request = self.clients.control.get_object();
            match request.set_bucket(&self.path).set_object(object).send().await {
                Ok(object) => Ok(Some(Head::of(object))),
                Err(error) => match Answer::of(&error) {
                    Some(answer) if answer.is_missing() => Ok(None),
                    _ => Err(failed(&error, Access::Read)),
                },
            }
        })
        .await
    }

    /// Writes an object; its generation. Sent again after a failure only when that cannot do harm: without a condition.
    pub(crate) async fn put(
        &self,
        object: &str,
        body: &Bytes,
        metadata: &Metadata,
        when: When,
    ) -> Result<Done<i64>> {
        self.put_within(self.timeout, object, body, metadata, when).await
    }

    pub(crate) async fn put_within(
        &self,
        limit: Duration,
        object: &str,
        body: &Bytes,
        metadata: &Metadata,
        when: When,
    ) -> Result<Done<i64>> {
        send(limit, when.sending(), || async {
            let mut request =
                self.clients.data.write_object(&self.path, object, body.clone()).set_metadata(
                    metadata.iter().map(|(name, value)| (name.clone(), value.clone())),
                );
            if let When::Generation(generation) = when {
                request = request.set_if_generation_match(generation);
            }
            match request.send_unbuffered().await {
                Ok(object) => Ok(Done::Yes(object.generation)),
                Err(error) => refused(&error, when),
            }
        })
        .await
    }

    /// Deletes an object; fine when there is none, but under a condition.
    pub(crate) async fn delete(&self, object: &str, when: When) -> Result<Done<()>> {
        send(self.timeout, when.sending(), || async {
            let mut request = self.clients.control.delete_object();
            if let When::Generation(generation) = when {
                request = request.set_if_generation_match(generation);
            }
            match request.set_bucket(&self.path).set_object(object).send().await {
                Ok(()) => Ok(Done::Yes(())),
                Err(error) => match Answer::of(&error) {
                    Some(answer) if answer.is_missing() && when == When::Always => {
                        Ok(Done::Yes(()))
                    }
                    _ => refused(&error, when),
                },
            }
        })
        .await
    }
}

fn too_large(size: u64, limit: u64) -> Error {
    let message = format!(
        "the object has {size} bytes, more than the {limit} that it may have here; another program has written it"
    );
    Error::new(ErrorKind::TooLarge, message).with_backend(BACKEND)
}

/// What a refused write means: under a condition, "no" is an answer and no error.
fn refused<T>(error: &Failed, when: When) -> Result<Done<T>> {
    let Some(answer) = Answer::of(error) else { return Err(failed(error, Access::Write)) };
    if when != When::Always && (answer.is_precondition() || answer.is_missing()) {
        return Ok(Done::No(answer));
    }
    Err(answered(answer, Access::Write))
}
