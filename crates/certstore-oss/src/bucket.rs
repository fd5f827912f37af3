//! The requests: objects in, out, appended to and gone. The one place that builds them.

use std::time::SystemTime;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result, Version};
use certstore_objects::Access;
use http::Method;

use crate::client::{Call, Client, Reply};
use crate::error::{Answer, BACKEND, answered, refused, senseless};
use crate::xml::{self, Versioning};

/// The longest answer without an object in it, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// What is said of a bucket that has begun to keep versions.
pub(crate) const NO_CREATE: &str =
    "the bucket keeps versions now, so it has no writes that only create; lock by lock_mode append";

/// The bucket and how it is reached.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) client: Client,
}

/// What is known of an object without its body.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
    /// The server's own time at this answer.
    pub(crate) date: Option<SystemTime>,
    /// CRC-64 of the whole object, where the server tells it.
    pub(crate) checksum: Option<u64>,
    pub(crate) appendable: bool,
    /// Whether it is one of several versions that the bucket keeps.
    pub(crate) is_version: bool,
}

impl Head {
    fn of(reply: &Reply) -> Result<Self> {
        let time = |name| reply.header(name).and_then(|text| httpdate::parse_http_date(text).ok());
        let number = |name| reply.header(name).and_then(|text| text.parse::<u64>().ok());
        let whole = reply.header("content-range").and_then(|range| range.rsplit_once('/'));
        let whole = whole.and_then(|(_, whole)| whole.parse::<u64>().ok());
        let size = whole.or_else(|| number("content-length"));
        Ok(Self {
            etag: etag(reply.header("etag"))?,
            size: size.ok_or_else(|| senseless("the server does not tell an object's length"))?,
            modified: time("last-modified"),
            date: time("date"),
            checksum: number("x-oss-hash-crc64ecma"),
            appendable: reply.header("x-oss-object-type") == Some("Appendable"),
            is_version: reply.header("x-oss-version-id").is_some_and(|id| id != "null"),
        })
    }

    pub(crate) fn version(&self) -> Version {
        Version::new(self.etag.as_str())
    }
}

/// An object, or the end of one.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

/// What became of a conditional request.
#[derive(Debug)]
pub(crate) enum Done<T> {
    Yes(T),
    /// The condition did not hold; nothing was written by this request.
    No(Answer),
}

/// What a write left behind.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) etag: String,
    /// The version that was written, where the bucket keeps versions.
    version: Option<String>,
}

/// What an append left behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    /// CRC-64 of the whole object, where the server tells it.
    pub(crate) checksum: Option<u64>,
}

impl Bucket {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// `None`: there is no such object.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when the object has more than `limit` bytes, which are then not read.
    pub(crate) async fn get(&self, object: &str, limit: u64) -> Result<Option<Object>> {
        self.got(Call::read(Method::GET, Some(object), limit)).await
    }

    /// The last `count` bytes of an object, or all of it where it has fewer.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when the server gives more than `limit` bytes all the same.
    pub(crate) async fn tail(
        &self,
        object: &str,
        count: u64,
        limit: u64,
    ) -> Result<Option<Object>> {
        let call = Call::read(Method::GET, Some(object), limit);
        // Without the second header a range that begins before the object is no range.
        let call = call
            .header("range", format!("bytes=-{count}"))
            .header("x-oss-range-behavior", "standard");
        match self.got(call).await {
            // An empty object has no last bytes.
            Err(error) if status_of(&error) == Some(416) => self.get(object, limit).await,
            got => got,
        }
    }

    async fn got(&self, call: Call<'_>) -> Result<Option<Object>> {
        let reply = self.client.send(&call).await?;
        if reply.is_success() {
            let head = Head::of(&reply)?;
            return Ok(Some(Object { head, body: reply.body }));
        }
        missing(&reply)
    }

    /// `None`: there is no such object.
    pub(crate) async fn head(&self, object: &str) -> Result<Option<Head>> {
        let reply = self.client.send(&Call::read(Method::HEAD, Some(object), MAX_ANSWER)).await?;
        if reply.is_success() {
            return Head::of(&reply).map(Some);
        }
        missing(&reply)
    }

    /// Writes an object whatever is there; its ETag.
    pub(crate) async fn put(&self, object: &str, body: Bytes) -> Result<Stored> {
        self.stored(&Call::write(Method::PUT, Some(object), body).repeating()).await
    }

    /// The same, sent once.
    pub(crate) async fn put_once(&self, object: &str, body: Bytes) -> Result<Stored> {
        self.stored(&Call::write(Method::PUT, Some(object), body)).await
    }

    async fn stored(&self, call: &Call<'_>) -> Result<Stored> {
        let reply = self.client.send(call).await?;
        if reply.is_success() { stored(&reply) } else { Err(refused(&reply, Access::Write)) }
    }

    /// Writes an object where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`]: the bucket has begun to keep versions, so that the condition had no effect; what was
    /// written is taken back.
    pub(crate) async fn create(&self, object: &str, body: Bytes) -> Result<Done<Stored>> {
        let call = Call::write(Method::PUT, Some(object), body);
        let reply = self.client.send(&call.header("x-oss-forbid-overwrite", "true")).await?;
        if reply.is_success() {
            let stored = stored(&reply)?;
            return match &stored.version {
                None => Ok(Done::Yes(stored)),
                Some(version) => Err(self.take_back(object, version).await),
            };
        }
        let answer = Answer::of(&reply);
        if answer.is_forbidden_overwrite() {
            return Ok(Done::No(answer));
        }
        Err(answered(answer, Access::Write))
    }

    /// Removes a version that should not have been written: what was current before is so again.
    async fn take_back(&self, object: &str, version: &str) -> Error {
        let call = Call::write(Method::DELETE, Some(object), Bytes::new()).repeating();
        let removed = self.client.send(&call.query("versionId", version)).await;
        let left = !removed.is_ok_and(|reply| reply.is_success());
        Error::unsupported(NO_CREATE).with_backend(BACKEND).with_may_have_applied(left)
    }

    /// Appends to an object that has exactly `position` bytes; at 0, to one that is empty or not there.
    pub(crate) async fn append(
        &self,
        object: &str,
        position: u64,
        body: Bytes,
    ) -> Result<Done<Appended>> {
        let call = Call::write(Method::POST, Some(object), body);
        let call = call.query("append", "").query("position", position.to_string());
        let reply = self.client.send(&call).await?;
        if reply.is_success() {
            let checksum = reply.header("x-oss-hash-crc64ecma").and_then(|text| text.parse().ok());
            return Ok(Done::Yes(Appended { checksum }));
        }
        let answer = Answer::of(&reply);
        if answer.is_other_position() {
            return Ok(Done::No(answer));
        }
        Err(answered(answer, Access::Write))
    }

    /// Deletes an object; fine when there is none.
    pub(crate) async fn delete(&self, object: &str) -> Result<()> {
        self.deleted(&Call::write(Method::DELETE, Some(object), Bytes::new()).repeating()).await
    }

    /// The same, sent once: by the second time the object may be another's.
    pub(crate) async fn delete_once(&self, object: &str) -> Result<()> {
        self.deleted(&Call::write(Method::DELETE, Some(object), Bytes::new())).await
    }

    async fn deleted(&self, call: &Call<'_>) -> Result<()> {
        let reply = self.client.send(call).await?;
        if reply.is_success() || Answer::of(&reply).is_missing() {
            return Ok(());
        }
        Err(refused(&reply, Access::Write))
    }

    /// Whether the bucket keeps versions, or ever did: then `x-oss-forbid-overwrite` has no effect.
    pub(crate) async fn versioning(&self) -> Result<Versioning> {
        let call = Call::read(Method::GET, None, MAX_ANSWER).query("versioning", "");
        let reply = self.client.send(&call).await?;
        if reply.is_success() {
            return xml::versioning(&reply.body);
        }
        Err(refused(&reply, Access::Read))
    }
}

fn stored(reply: &Reply) -> Result<Stored> {
    let etag = etag(reply.header("etag")).map_err(|error| error.with_may_have_applied(true))?;
    let version = reply.header("x-oss-version-id").filter(|id| !id.is_empty());
    Ok(Stored { etag, version: version.map(str::to_owned) })
}

fn missing<T>(reply: &Reply) -> Result<Option<T>> {
    let answer = Answer::of(reply);
    if answer.is_missing() { Ok(None) } else { Err(answered(answer, Access::Read)) }
}

fn status_of(error: &Error) -> Option<u16> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<Answer>().map(|answer| answer.status)
}

/// Without its quotes.
pub(crate) fn etag(etag: Option<&str>) -> Result<String> {
    let etag = etag.map(|etag| etag.trim_matches('"')).filter(|etag| !etag.is_empty());
    etag.map(str::to_owned).ok_or_else(|| {
        let message = "the server gives no ETag, so versions cannot be told apart";
        Error::new(ErrorKind::Unsupported, message).with_backend(BACKEND)
    })
}
