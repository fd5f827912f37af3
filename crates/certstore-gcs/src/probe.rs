//! The probe: does what answers at the endpoint keep what the service promises of preconditions? Some emulators do not
//! look at them and say "done", and then two holders of one lock would each believe to be alone.

use std::sync::Arc;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, OsRandom, Random as _, Result};
use certstore_objects::ObjectNames;
use tokio::sync::OnceCell;

use crate::bucket::{Bucket, Done, Metadata, When};
use crate::error::BACKEND;

/// What is known of the preconditions, once they were tried. Shared by all clients of a bucket in this process.
pub(crate) struct Probe {
    bucket: Arc<Bucket>,
    /// What is wrong with them, if anything is.
    fault: OnceCell<Option<&'static str>>,
}

impl Probe {
    /// Google's own service promises them (<https://cloud.google.com/storage/docs/request-preconditions>) and is not
    /// asked.
    pub(crate) fn new(bucket: Arc<Bucket>, is_google: bool) -> Arc<Self> {
        let fault = if is_google { OnceCell::new_with(Some(None)) } else { OnceCell::new() };
        Arc::new(Self { bucket, fault })
    }

    /// Tries them out unless that has been done.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when they are not kept. Else of the server.
    pub(crate) async fn require(&self, names: &ObjectNames) -> Result<()> {
        let fault = self.fault.get_or_try_init(|| async {
            let (bucket, object) = (Arc::clone(&self.bucket), names.probe(OsRandom.next_u128()));
            // In a task of its own, so that a caller who goes away leaves nothing behind.
            let probing = tokio::spawn(async move { run(&bucket, &object).await });
            probing.await.unwrap_or_else(|stopped| {
                let message = "the probe was stopped with its runtime";
                Err(Error::new(ErrorKind::Unavailable, message).with_source(stopped))
            })
        });
        let fault = fault.await.map_err(|error: Error| {
            let message = "the server could not be tried out on its preconditions";
            Error::new(error.kind(), message).with_backend(BACKEND).with_source(error)
        })?;
        match fault {
            None => Ok(()),
            Some(fault) => Err(Error::unsupported(format!(
                "this server does not keep what Google promises of preconditions: {fault}; lock through another backend \
                 ([storage.lock]), or use a server that does"
            ))
            .with_backend(BACKEND)),
        }
    }
}

/// What is wrong. One object, which is written once and deleted: more writes would meet the limit of one a second.
async fn run(bucket: &Bucket, object: &str) -> Result<Option<&'static str>> {
    let found = check(bucket, object).await;
    if let Err(error) = bucket.delete(object, When::Always).await {
        tracing::warn!(object, %error, "the probe's object could not be deleted; delete it by hand");
    }
    if let Ok(Some(fault)) = found {
        tracing::warn!(fault, "this server cannot be locked safely");
    }
    found
}

async fn check(bucket: &Bucket, object: &str) -> Result<Option<&'static str>> {
    let put = async |when| {
        bucket.put(object, &Bytes::from_static(b"probe"), &Metadata::new(), when).await
    };
    let Done::Yes(generation) = put(When::ABSENT).await? else {
        return Ok(Some("it refuses to create an object (ifGenerationMatch=0)"));
    };
    if let Done::Yes(_) = put(When::ABSENT).await? {
        return Ok(Some("a create-only write (ifGenerationMatch=0) wrote over an object"));
    }
    let wrong = When::Generation(generation - 1);
    if let Done::Yes(_) = put(wrong).await? {
        return Ok(Some("a write on another generation (ifGenerationMatch) went through"));
    }
    if let Done::Yes(()) = bucket.delete(object, wrong).await? {
        return Ok(Some("a delete of another generation (if_generation_match) went through"));
    }
    match bucket.head(object).await? {
        Some(head) if head.generation == generation => Ok(None),
        _ => Ok(Some("a write or delete that was refused has changed the object")),
    }
}
