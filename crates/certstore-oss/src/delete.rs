//! Deleting many objects: in batches, or one by one where a name fits into no batch.

use std::collections::HashSet;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result};
use certstore_objects::{Access, Tried, each};
use http::Method;

use crate::bucket::Bucket;
use crate::client::Call;
use crate::encode::{decode, xml};
use crate::error::{BACKEND, refused, senseless};
use crate::xml;

/// The most names that one request may delete.
const BATCH: usize = 1000;

/// The longest answer to a batch, in bytes: its names, each byte as three, and as much again around them.
const MAX_ANSWER: u64 = 8 << 20;

/// How many single deletes are under way at once.
const CONCURRENCY: usize = 16;

impl Bucket {
    /// Deletes objects; fine where there are none. All are tried, and the first failure is told.
    pub(crate) async fn delete_each(&self, objects: Vec<String>) -> Result<()> {
        let (mut batched, mut single): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| fits_batch(object));
        if let [only] = batched.as_slice()
            && !is_rewritten(only)
        {
            single.append(&mut batched);
        }
        let mut tried = Tried::default();
        for batch in batched.chunks(BATCH) {
            tried.add(self.delete_batch(batch).await);
        }
        let delete = |object: String| async move { self.delete(&object).await };
        if !single.is_empty() {
            tried.add(each(single, CONCURRENCY, delete).await);
        }
        tried.end()
    }

    async fn delete_batch(&self, batch: &[String]) -> Result<()> {
        let mut body =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete><Quiet>false</Quiet>");
        for object in batch {
            let name =
                xml(object).ok_or_else(|| senseless("a name fits into no batch of deletes"))?;
            body += &format!("<Object><Key>{name}</Key></Object>");
        }
        body += "</Delete>";
        let call = Call::write(Method::POST, None, Bytes::from(body)).repeating().limit(MAX_ANSWER);
        let call = call
            .header("content-type", "application/xml")
            .query("delete", "")
            .query("encoding-type", "url");
        let reply = self.client.send(&call).await?;
        if !reply.is_success() {
            return Err(refused(&reply, Access::Write));
        }
        told(batch, &reply.body)
    }
}

/// The answer names what was deleted, and what was not there; what it does not name is left.
fn told(batch: &[String], answer: &[u8]) -> Result<()> {
    let unclear = |error: Error| error.with_may_have_applied(true);
    let (names, url_encoded) = xml::deleted(answer).map_err(unclear)?;
    let plain =
        names.into_iter().filter_map(|name| if url_encoded { decode(&name) } else { Some(name) });
    let deleted: HashSet<String> = plain.collect();
    let left: Vec<&String> = batch.iter().filter(|object| !deleted.contains(*object)).collect();
    let Some(first) = left.first() else { return Ok(()) };
    let name: String = first.escape_debug().take(200).collect();
    let message = format!(
        "{} of {} objects could not be deleted, among them \"{name}\"; retry",
        left.len(),
        batch.len()
    );
    Err(unclear(Error::new(ErrorKind::Unavailable, message).with_backend(BACKEND)))
}

fn fits_batch(object: &str) -> bool {
    xml(object).is_some()
}

/// Whether a URL with this name would be another object's: `.` and `..` in a path mean something. A batch has names
/// in its body.
fn is_rewritten(object: &str) -> bool {
    object.split('/').any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
#[path = "delete_tests.rs"]
mod tests;
