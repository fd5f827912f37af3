//! Deleting many objects: in batches, or one by one where a server knows no batches.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use certstore_aws::denied_action;
use certstore_core::{Error, ErrorKind, Result};
use certstore_objects::{Access, Tried, each};

use crate::bucket::{Bucket, When};
use crate::error::{Answer, BACKEND, answered, sdk_error};

/// The most names that one request may delete.
const BATCH: usize = 1000;

/// How long the objects wait that a server had no time for.
const BACK_OFF: Duration = Duration::from_millis(200);

/// How many single deletes are under way at once.
const CONCURRENCY: usize = 16;

impl Bucket {
    /// Deletes objects; fine where there are none. All are tried, and the first failure is told.
    pub(crate) async fn delete_each(&self, mut objects: Vec<String>) -> Result<()> {
        let mut tried = Tried::default();
        while !objects.is_empty() {
            let batch: Vec<String> = objects.drain(..objects.len().min(BATCH)).collect();
            let done = match batch.as_slice() {
                [single] => self.delete(single, &When::Always).await.map(drop),
                _ if self.single_deletes.load(Ordering::Relaxed) => self.delete_singly(batch).await,
                _ => self.delete_batch(batch).await,
            };
            tried.add(done);
        }
        tried.end()
    }

    async fn delete_batch(&self, batch: Vec<String>) -> Result<()> {
        let Some(left) = self.send_batch(&batch).await? else {
            return self.delete_singly(batch).await;
        };
        let (passing, mut lasting): (Vec<_>, Vec<_>) =
            left.into_iter().partition(Failure::is_passing);
        if !passing.is_empty() {
            tokio::time::sleep(BACK_OFF).await;
            let again: Vec<String> = passing.into_iter().map(|failure| failure.name).collect();
            match self.send_batch(&again).await? {
                Some(left) => lasting.extend(left),
                None => self.delete_singly(again).await?,
            }
        }
        told(&lasting, batch.len(), &self.base)
    }

    /// What the server could not delete; `None`: it takes no batches.
    async fn send_batch(&self, batch: &[String]) -> Result<Option<Vec<Failure>>> {
        let mut delete = Delete::builder().quiet(true);
        for object in batch {
            delete = delete.objects(identifier(object)?);
        }
        let delete = delete.build().map_err(|error| unbuildable().with_source(error))?;
        let request = self.clients.repeating.delete_objects().bucket(&self.name).delete(delete);
        let sent = self.within(Access::Write, async { Ok(request.send().await) }).await?;
        match sent {
            Ok(output) => Ok(Some(failures(&output))),
            Err(error) => match Answer::of(&error) {
                Some(answer) if answer.refuses_batches() => {
                    tracing::debug!(%answer, "the server takes no batches of deletes; one by one from now on");
                    self.single_deletes.store(true, Ordering::Relaxed);
                    Ok(None)
                }
                _ => Err(sdk_error(&error, Access::Write)),
            },
        }
    }

    async fn delete_singly(&self, batch: Vec<String>) -> Result<()> {
        let delete =
            |object: String| async move { self.delete(&object, &When::Always).await.map(drop) };
        each(batch, CONCURRENCY, delete).await
    }
}

fn identifier(object: &str) -> Result<ObjectIdentifier> {
    let built = ObjectIdentifier::builder().key(object).build();
    built.map_err(|error| unbuildable().with_source(error))
}

fn unbuildable() -> Error {
    Error::new(ErrorKind::Other, "the request could not be made").with_backend(BACKEND)
}

/// An object that a batch has left.
struct Failure {
    name: String,
    answer: Answer,
}

impl Failure {
    fn is_passing(&self) -> bool {
        !self.name.is_empty() && answered(self.answer.clone(), Access::Write).is_retryable()
    }
}

/// What the server says of the objects of a batch.
fn failures(output: &DeleteObjectsOutput) -> Vec<Failure> {
    let left = output.errors().iter().filter(|error| error.code() != Some("NoSuchKey"));
    left.map(|error| Failure {
        name: error.key().unwrap_or_default().to_owned(),
        answer: Answer {
            code: error.code().map(str::to_owned),
            action: error.message().and_then(denied_action),
            ..Answer::default()
        },
    })
    .collect()
}

/// One error of all that is left.
fn told(left: &[Failure], tried: usize, base: &str) -> Result<()> {
    let Some(Failure { name, answer }) = left.first() else { return Ok(()) };
    let why = answered(answer.clone(), Access::Write);
    let name: String = name.strip_prefix(base).unwrap_or(name).escape_debug().take(200).collect();
    let message = format!(
        "{} of {tried} objects could not be deleted, among them \"{name}\": {}",
        left.len(),
        why.message()
    );
    Err(Error::new(why.kind(), message)
        .with_backend(BACKEND)
        .with_may_have_applied(true)
        .with_source(answer.clone()))
}

#[cfg(test)]
#[path = "delete_tests.rs"]
mod tests;
