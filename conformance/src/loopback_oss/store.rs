//! The objects: buckets, versions, appends. Every method is one step under one lock, which makes the store linearizable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;

use super::crc64;
use super::reply::Refusal;

/// Whether a bucket keeps the old versions of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    /// Never switched on: one version a key.
    Off,
    Enabled,
    /// New versions have the id `null`, older ones stay.
    Suspended,
}

/// How an object came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Normal,
    Appendable,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Appendable => "Appendable",
        }
    }
}

/// What a version is: the bytes and what was sent with them.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) body: Bytes,
    pub(super) kind: Kind,
    /// Without quotes. Of a normal object the MD5 of its body in upper-case hex, so that equal bytes have equal tags.
    pub(super) etag: String,
    pub(super) crc64: u64,
    pub(super) content_type: String,
    /// Headers like `x-oss-meta-name`.
    pub(super) metadata: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) modified: SystemTime,
    /// `None`: a delete marker.
    pub(super) object: Option<Arc<Object>>,
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) versioning: Versioning,
    /// Where the bucket is reached, if not here.
    pub(super) elsewhere: Option<String>,
    /// The versions of each key, the current one last; never an empty list.
    pub(super) keys: BTreeMap<String, Vec<Version>>,
}

/// What a write or a delete left behind.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The id of the version, where the bucket keeps or has kept any.
    pub(super) version: Option<String>,
    pub(super) marker: bool,
}

/// What an append did.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) written: Written,
    pub(super) object: Arc<Object>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) buckets: BTreeMap<String, Bucket>,
    versions: u64,
}

impl Store {
    pub(super) fn add_bucket(&mut self, name: &str, versioning: Versioning) {
        let bucket = Bucket { versioning, elsewhere: None, keys: BTreeMap::new() };
        self.buckets.insert(name.to_owned(), bucket);
    }

    pub(super) fn bucket(&self, name: &str) -> Result<&Bucket, Refusal> {
        let bucket = self.buckets.get(name).ok_or_else(|| {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "NoSuchBucket",
                "0015-00000101",
                "The specified bucket does not exist.",
            )
            .with_element("BucketName", name)
        })?;
        match &bucket.elsewhere {
            None => Ok(bucket),
            Some(endpoint) => {
                let message = "The bucket you are attempting to access must be addressed using the specified endpoint. \
                               Please send all future requests to this endpoint.";
                Err(Refusal::forbidden("AccessDenied", "0003-00001403", message)
                    .with_element("Bucket", name)
                    .with_element("Endpoint", endpoint.as_str()))
            }
        }
    }

    pub(super) fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket, Refusal> {
        self.bucket(name)?;
        self.buckets.get_mut(name).ok_or_else(Refusal::internal)
    }

    /// PutObject. `forbid`: only where there is no object, unless the bucket keeps or has kept versions.
    pub(super) fn put(
        &mut self,
        bucket: &str,
        key: &str,
        object: Object,
        forbid: bool,
        now: SystemTime,
    ) -> Result<Written, Refusal> {
        let found = self.bucket(bucket)?;
        if forbid && found.versioning == Versioning::Off && found.current(key).is_some() {
            let message = "The object you specified already exists and can not be overwritten.";
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "FileAlreadyExists",
                "0026-00000002",
                message,
            ));
        }
        self.push(bucket, key, Some(Arc::new(object)), now)
    }

    /// AppendObject. `position`: the length that the object must have; `None`: whatever it has.
    pub(super) fn append(
        &mut self,
        bucket: &str,
        key: &str,
        position: Option<u64>,
        more: &Object,
        now: SystemTime,
    ) -> Result<Appended, Refusal> {
        let current = self.bucket(bucket)?.current(key);
        if current.as_ref().is_some_and(|object| object.kind == Kind::Normal) {
            let message = "The object is not appendable";
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "ObjectNotAppendable",
                "0026-00000017",
                message,
            ));
        }
        let length = current.as_ref().map_or(0, |object| object.body.len() as u64);
        if position.is_some_and(|position| position != length) {
            let message = "Position is not equal to file length";
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "PositionNotEqualToLength",
                "0026-00000016",
                message,
            )
            .with_header("x-oss-next-append-position", length.to_string()));
        }
        let before = current
            .as_deref()
            .cloned()
            .unwrap_or_else(|| Object { body: Bytes::new(), ..more.clone() });
        let crc64 = crc64::extend(if current.is_some() { before.crc64 } else { 0 }, &more.body);
        let body = Bytes::from([&before.body[..], &more.body[..]].concat());
        // Unlike a normal object's, the tag of an appendable one is no digest of its body.
        let etag = format!("{crc64:016X}{:016X}", body.len());
        let object = Arc::new(Object { body, kind: Kind::Appendable, etag, crc64, ..before });
        let written = match current {
            None => self.push(bucket, key, Some(object.clone()), now)?,
            // No history: the current version itself grows.
            Some(_) => self.bucket_mut(bucket)?.replace_current(key, object.clone(), now),
        };
        Ok(Appended { written, object })
    }

    /// DeleteObject. What is not there passes.
    pub(super) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        now: SystemTime,
    ) -> Result<Written, Refusal> {
        if let Some(id) = version {
            return Ok(self.bucket_mut(bucket)?.remove_version(key, id));
        }
        if self.bucket(bucket)?.versioning == Versioning::Off {
            self.bucket_mut(bucket)?.keys.remove(key);
            return Ok(Written::default());
        }
        let written = self.push(bucket, key, None, now)?;
        Ok(Written { marker: true, ..written })
    }

    /// A new current version.
    fn push(
        &mut self,
        bucket: &str,
        key: &str,
        object: Option<Arc<Object>>,
        modified: SystemTime,
    ) -> Result<Written, Refusal> {
        self.versions += 1;
        let number = self.versions;
        let bucket = self.bucket_mut(bucket)?;
        let id = match bucket.versioning {
            Versioning::Enabled => format!("CAEQ{number:028X}"),
            Versioning::Off | Versioning::Suspended => "null".to_owned(),
        };
        let versions = bucket.keys.entry(key.to_owned()).or_default();
        versions.retain(|version| version.id != id);
        versions.push(Version { id: id.clone(), modified, object });
        let version = (bucket.versioning != Versioning::Off).then_some(id);
        Ok(Written { version, marker: false })
    }
}

impl Bucket {
    /// `None`: nothing, or a delete marker.
    pub(super) fn current(&self, key: &str) -> Option<Arc<Object>> {
        self.keys.get(key)?.last()?.object.clone()
    }

    pub(super) fn version(&self, key: &str, id: Option<&str>) -> Option<&Version> {
        let mut versions = self.keys.get(key)?.iter().rev();
        match id {
            None => versions.next(),
            Some(id) => versions.find(|version| version.id == id),
        }
    }

    fn replace_current(&mut self, key: &str, object: Arc<Object>, modified: SystemTime) -> Written {
        let keeps = self.versioning != Versioning::Off;
        let current = self.keys.get_mut(key).and_then(|versions| versions.last_mut());
        let version = current.map(|current| {
            current.object = Some(object);
            current.modified = modified;
            current.id.clone()
        });
        Written { version: version.filter(|_| keeps), marker: false }
    }

    fn remove_version(&mut self, key: &str, id: &str) -> Written {
        let Some(versions) = self.keys.get_mut(key) else { return Written::default() };
        let marker = versions.iter().any(|version| version.id == id && version.object.is_none());
        versions.retain(|version| version.id != id);
        if versions.is_empty() {
            self.keys.remove(key);
        }
        Written { version: Some(id.to_owned()), marker }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
