//! The requests, each within its time: objects in, out and gone. The one place that builds them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use bytes::{Bytes, BytesMut};
use certstore_core::{Error, ErrorKind, Result, Version};
use certstore_objects::{Access, silence};

use crate::client::Clients;
use crate::config::S3Config;
use crate::error::{Answer, BACKEND, answered, sdk_error};

/// How often a value is asked for that arrives cut short.
const GET_ATTEMPTS: u32 = 3;

/// The bucket and how it is reached.
pub(crate) struct Bucket {
    pub(crate) clients: Clients,
    pub(crate) name: String,
    /// What all object names begin with; empty, or with a slash at its end.
    pub(crate) base: String,
    pub(crate) timeout: Duration,
    /// Set once the server has refused a batch of deletes.
    pub(crate) single_deletes: AtomicBool,
}

/// What is known of an object without its body.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) metadata: HashMap<String, String>,
}

impl Head {
    pub(crate) fn version(&self) -> Version {
        Version::new(self.etag.as_str())
    }
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
    /// It still has the version that the caller knows.
    Unchanged,
}

/// When a write may take effect. The text is the header's whole value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Absent,
    Match(String),
}

/// What became of a conditional request.
#[derive(Debug)]
pub(crate) enum Done<T> {
    Yes(T),
    /// The server said no to the condition, or to this request; nothing was written by it.
    No(Answer),
}

impl Bucket {
    pub(crate) fn new(clients: Clients, config: &S3Config) -> Self {
        Self {
            clients,
            name: config.bucket.clone(),
            base: config.base(),
            timeout: config.timeout,
            single_deletes: AtomicBool::new(false),
        }
    }

    /// A request within the time that it may take.
    pub(crate) async fn within<T>(
        &self,
        access: Access,
        request: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let done = tokio::time::timeout(self.timeout, request).await;
        done.unwrap_or_else(|_| Err(silence::too_late(BACKEND, self.timeout, access)))
    }

    /// # Errors
    /// [`ErrorKind::TooLarge`] when the object has more than `limit` bytes, which are then not read.
    pub(crate) async fn get(
        &self,
        object: &str,
        unless: Option<&Version>,
        limit: u64,
    ) -> Result<Got> {
        self.within(Access::Read, async {
            let mut attempt = 1;
            loop {
                match self.get_once(object, unless, limit).await {
                    Err(Cut(_)) if attempt < GET_ATTEMPTS => attempt += 1,
                    Err(Cut(error)) => return Err(error),
                    Ok(got) => return got,
                }
            }
        })
        .await
    }

    /// `Err`: the body broke off.
    async fn get_once(
        &self,
        object: &str,
        unless: Option<&Version>,
        limit: u64,
    ) -> std::result::Result<Result<Got>, Cut> {
        let known = unless.map(|version| format!("\"{version}\""));
        let request = self.clients.reading.get_object().bucket(&self.name).key(object);
        match request.set_if_none_match(known).send().await {
            Ok(output) => collect(output, limit).await,
            Err(error) => Ok(match Answer::of(&error) {
                Some(answer) if answer.is_missing() => Ok(Got::Missing),
                Some(answer) if answer.status == Some(304) => Ok(Got::Unchanged),
                _ => Err(sdk_error(&error, Access::Read)),
            }),
        }
    }

    /// `None`: there is no such object, or no such bucket.
    pub(crate) async fn head(&self, object: &str) -> Result<Option<Head>> {
        self.within(Access::Read, async {
            let request = self.clients.reading.head_object().bucket(&self.name).key(object);
            match request.send().await {
                Ok(output) => Ok(Some(Head {
                    etag: etag(output.e_tag())?,
                    size: size(output.content_length())?,
                    modified: output.last_modified().and_then(time),
                    metadata: output.metadata.unwrap_or_default(),
                })),
                Err(error) => match Answer::of(&error) {
                    Some(answer) if answer.is_missing() => Ok(None),
                    Some(answer) if answer.is_unexplained() => {
                        Err(self.explained(object, answer).await)
                    }
                    _ => Err(sdk_error(&error, Access::Read)),
                },
            }
        })
        .await
    }

    /// Why a HEAD was refused: its answer has no words, but that to a GET has.
    async fn explained(&self, object: &str, head: Answer) -> Error {
        let request = self.clients.once.get_object().bucket(&self.name).key(object);
        let answer = match request.range("bytes=0-0").send().await {
            Err(error) => Answer::of(&error).filter(|answer| answer.status == head.status),
            Ok(_) => None,
        };
        answered(answer.unwrap_or(head), Access::Read)
    }

    /// Writes an object; its ETag. Sent again after a failure only when that cannot do harm: without a condition.
    pub(crate) async fn put(
        &self,
        object: &str,
        body: Bytes,
        metadata: Option<HashMap<String, String>>,
        when: &When,
    ) -> Result<Done<String>> {
        self.put_by(self.client_for(when), object, body, metadata, when).await
    }

    /// Writes an object whatever is there, and sends that once.
    pub(crate) async fn put_once(
        &self,
        object: &str,
        body: Bytes,
        metadata: Option<HashMap<String, String>>,
    ) -> Result<Done<String>> {
        self.put_by(&self.clients.once, object, body, metadata, &When::Always).await
    }

    async fn put_by(
        &self,
        client: &Client,
        object: &str,
        body: Bytes,
        metadata: Option<HashMap<String, String>>,
        when: &When,
    ) -> Result<Done<String>> {
        let request = client.put_object().bucket(&self.name).key(object);
        let request = match when {
            When::Always => request,
            When::Absent => request.if_none_match("*"),
            When::Match(etag) => request.if_match(etag),
        };
        let request = request.set_metadata(metadata).body(ByteStream::from(body));
        self.within(Access::Write, async {
            match request.send().await {
                Ok(output) => etag(output.e_tag())
                    .map(Done::Yes)
                    .map_err(|error| error.with_may_have_applied(true)),
                Err(error) => refused(&error, when),
            }
        })
        .await
    }

    /// Deletes an object; fine when there is none.
    pub(crate) async fn delete(&self, object: &str, when: &When) -> Result<Done<()>> {
        let request = self.client_for(when).delete_object().bucket(&self.name).key(object);
        let request = match when {
            When::Always | When::Absent => request,
            When::Match(etag) => request.if_match(etag),
        };
        self.within(Access::Write, async {
            match request.send().await {
                Ok(_) => Ok(Done::Yes(())),
                Err(error) => match Answer::of(&error) {
                    Some(answer) if answer.is_missing() && *when == When::Always => {
                        Ok(Done::Yes(()))
                    }
                    _ => refused(&error, when),
                },
            }
        })
        .await
    }

    fn client_for(&self, when: &When) -> &Client {
        if *when == When::Always { &self.clients.repeating } else { &self.clients.once }
    }
}

struct Cut(Error);

async fn collect(mut output: GetObjectOutput, limit: u64) -> std::result::Result<Result<Got>, Cut> {
    let head = || {
        Ok(Head {
            etag: etag(output.e_tag())?,
            size: size(output.content_length())?,
            modified: output.last_modified().and_then(time),
            metadata: output.metadata.clone().unwrap_or_default(),
        })
    };
    let head = match head() {
        Ok(head) => head,
        Err(error) => return Ok(Err(error)),
    };
    if head.size > limit {
        return Ok(Err(too_large(head.size, limit)));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = output.body.next().await {
        body.extend_from_slice(&chunk.map_err(|error| Cut(silence::cut_short(BACKEND, &error)))?);
        if body.len() as u64 > head.size {
            return Ok(Err(too_large(body.len() as u64, head.size)));
        }
    }
    if body.len() as u64 == head.size {
        return Ok(Ok(Got::Object(Object { head, body: body.freeze() })));
    }
    let told = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    Err(Cut(silence::cut_short(BACKEND, &told)))
}

fn too_large(size: u64, limit: u64) -> Error {
    let message = format!(
        "the object has {size} bytes, more than the {limit} that it may have here; another program has written it"
    );
    Error::new(ErrorKind::TooLarge, message).with_backend(BACKEND)
}

/// What a refused write means: under a condition, "no" is an answer and no error.
fn refused<T, E>(error: &SdkError<E, HttpResponse>, when: &When) -> Result<Done<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(answer) = Answer::of(error) else { return Err(sdk_error(error, Access::Write)) };
    let said_no = answer.is_precondition()
        || answer.is_conditional_conflict()
        || answer.is_missing()
        || answer.is_unknown_request();
    if *when != When::Always && said_no {
        return Ok(Done::No(answer));
    }
    Err(answered(answer, Access::Write))
}

/// Without its quotes, which not every store gives.
pub(crate) fn etag(etag: Option<&str>) -> Result<String> {
    let etag = etag.map(|etag| etag.trim_matches('"')).filter(|etag| !etag.is_empty());
    etag.map(str::to_owned).ok_or_else(|| {
        let message =
            "the server gives no ETag, so versions cannot be told apart; use another store";
        Error::new(ErrorKind::Unsupported, message).with_backend(BACKEND)
    })
}

pub(crate) fn size(length: Option<i64>) -> Result<u64> {
    length.and_then(|length| u64::try_from(length).ok()).ok_or_else(|| {
        Error::new(ErrorKind::Other, "the server does not tell an object's length")
            .with_backend(BACKEND)
    })
}

pub(crate) fn time(time: &DateTime) -> Option<SystemTime> {
    SystemTime::try_from(*time).ok()
}
