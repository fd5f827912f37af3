//! The objects: buckets, versions, conditions. Every method is one step under one lock, which makes the store
//! linearizable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use s3s::dto::{Checksum, Metadata};
use s3s::{S3Result, s3_error};

/// Whether a bucket keeps the old versions of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    /// Never switched on: one version a key, without an id.
    Off,
    Enabled,
    /// New versions have the id `null`, older ones stay.
    Suspended,
}

/// What a version is: the bytes and what was sent with them.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) body: Bytes,
    /// MD5 of the body in hex, without quotes: two objects of equal bytes have equal tags.
    pub(super) etag: String,
    pub(super) checksum: Checksum,
    pub(super) metadata: Metadata,
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) cache_control: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    /// `null` in a bucket that keeps no versions.
    pub(super) id: String,
    /// Whole seconds, as S3 has them.
    pub(super) modified: SystemTime,
    /// `None`: a delete marker.
    pub(super) object: Option<Arc<Object>>,
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) created: SystemTime,
    pub(super) versioning: Versioning,
    /// The versions of each key, the current one last; never an empty list.
    pub(super) keys: BTreeMap<String, Vec<Version>>,
}

/// What a write or a delete asks of the current version.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions {
    pub(super) if_match: Option<Tag>,
    /// `If-None-Match: *`
    pub(super) if_absent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    Any,
    Is(String),
}

impl Tag {
    pub(super) fn fits(&self, object: &Object) -> bool {
        match self {
            Self::Any => true,
            Self::Is(etag) => *etag == object.etag,
        }
    }
}

/// What a delete left behind.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    /// The id of the version that was removed, or of the marker that was written.
    pub(super) version: Option<String>,
    pub(super) marker: bool,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) buckets: BTreeMap<String, Bucket>,
    versions: u64,
}

impl Store {
    pub(super) fn add_bucket(&mut self, name: &str, versioning: Versioning) {
        let bucket = Bucket { created: now(), versioning, keys: BTreeMap::new() };
        self.buckets.insert(name.to_owned(), bucket);
    }

    pub(super) fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.buckets
            .get(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    pub(super) fn bucket_mut(&mut self, name: &str) -> S3Result<&mut Bucket> {
        let missing = || s3_error!(NoSuchBucket, "The specified bucket does not exist");
        self.buckets.get_mut(name).ok_or_else(missing)
    }

    /// Judges a write's conditions. What is not there fails `If-Match` with 404, as AWS has it.
    pub(super) fn judge_put(
        &self,
        bucket: &str,
        key: &str,
        conditions: &Conditions,
    ) -> S3Result<()> {
        let current = self.bucket(bucket)?.current(key);
        if let Some(tag) = &conditions.if_match {
            match &current {
                None => return Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
                Some(object) if !tag.fits(object) => return Err(failed("If-Match")),
                Some(_) => {}
            }
        }
        if conditions.if_absent && current.is_some() {
            return Err(failed("If-None-Match"));
        }
        Ok(())
    }

    /// Judges and writes. Returns the new version's id where the bucket has versions.
    pub(super) fn put(
        &mut self,
        bucket: &str,
        key: &str,
        object: Object,
        conditions: &Conditions,
    ) -> S3Result<Option<String>> {
        self.judge_put(bucket, key, conditions)?;
        self.write(bucket, key, Some(Arc::new(object)))
    }

    /// Judges and deletes. What is not there passes `If-Match`, as AWS has it for deletes.
    pub(super) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        conditions: &Conditions,
    ) -> S3Result<Deleted> {
        let found = self.bucket(bucket)?;
        if let (Some(tag), Some(object)) = (&conditions.if_match, found.current(key))
            && !tag.fits(&object)
        {
            return Err(failed("If-Match"));
        }
        match (version, found.versioning) {
            (Some(id), _) => self.remove_version(bucket, key, id),
            (None, Versioning::Off) => {
                self.bucket_mut(bucket)?.keys.remove(key);
                Ok(Deleted::default())
            }
            (None, Versioning::Enabled | Versioning::Suspended) => {
                Ok(Deleted { version: self.write(bucket, key, None)?, marker: true })
            }
        }
    }

    fn write(
        &mut self,
        bucket: &str,
        key: &str,
        object: Option<Arc<Object>>,
    ) -> S3Result<Option<String>> {
        self.versions += 1;
        let fresh = format!("v{:016x}", self.versions);
        let bucket = self.bucket_mut(bucket)?;
        let enabled = bucket.versioning == Versioning::Enabled;
        let id = if enabled { fresh } else { "null".to_owned() };
        let versions = bucket.keys.entry(key.to_owned()).or_default();
        versions.retain(|old| old.id != id);
        versions.push(Version { id: id.clone(), modified: now(), object });
        Ok((bucket.versioning != Versioning::Off).then_some(id))
    }

    fn remove_version(&mut self, bucket: &str, key: &str, id: &str) -> S3Result<Deleted> {
        let bucket = self.bucket_mut(bucket)?;
        let mut deleted = Deleted { version: Some(id.to_owned()), marker: false };
        if let Some(versions) = bucket.keys.get_mut(key) {
            deleted.marker =
                versions.iter().any(|version| version.id == id && version.object.is_none());
            versions.retain(|version| version.id != id);
            if versions.is_empty() {
                bucket.keys.remove(key);
            }
        }
        Ok(deleted)
    }
}

impl Bucket {
    /// The current object of `key`; `None` under a delete marker too.
    pub(super) fn current(&self, key: &str) -> Option<Arc<Object>> {
        self.keys.get(key)?.last()?.object.clone()
    }

    /// The version to read. A marker is told apart from nothing by the caller.
    pub(super) fn version(&self, key: &str, id: Option<&str>) -> S3Result<&Version> {
        let versions = self.keys.get(key);
        match id {
            None => versions
                .and_then(|versions| versions.last())
                .ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist.")),
            Some(id) => versions
                .and_then(|versions| versions.iter().find(|version| version.id == id))
                .ok_or_else(|| s3_error!(NoSuchVersion, "The specified version does not exist.")),
        }
    }
}

fn failed(header: &'static str) -> s3s::S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold: {}",
        header
    )
}

/// Now, in whole seconds.
fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
