//! Lists: one page after another.

use certstore_core::{Error, ErrorKind, Result};
use certstore_objects::{Access, Listed, Page, Query};
use google_cloud_storage::model::ListObjectsResponse;

use crate::again::{Sending, send};
use crate::answer::Answer;
use crate::bucket::{Bucket, Head};
use crate::error::{BACKEND, answered, failed};
use crate::names::MAX_OBJECT;

impl Bucket {
    /// A page of a list.
    pub(crate) async fn list(&self, query: &Query, token: Option<&str>) -> Result<Page> {
        // No name is so long.
        if query.prefix.len() > MAX_OBJECT {
            return Ok(Page::default());
        }
        let sent = token.unwrap_or_default();
        send(self.timeout, Sending::Reads, || async {
            let request = self
                .clients
                .control
                .list_objects()
                .set_parent(&self.path)
                .set_prefix(&query.prefix)
                .set_delimiter(if query.shallow { "/" } else { "" })
                .set_page_size(i32::from(query.limit.unwrap_or(1_000)))
                .set_page_token(sent);
            match request.send().await {
                Ok(output) => page(output, sent),
                Err(error) => match Answer::of(&error) {
                    // A list is of a bucket: nothing else can be missing.
                    Some(answer) if answer.status == 404 => {
                        Err(answered(Answer { no_bucket: true, ..answer }, Access::Read))
                    }
                    _ => Err(failed(&error, Access::Read)),
                },
            }
        })
        .await
    }
}

/// `sent`: the token of this very page.
fn page(output: ListObjectsResponse, sent: &str) -> Result<Page> {
    let next = match output.next_page_token {
        token if token.is_empty() => None,
        token if token == sent => {
            let message = "the server gives the same page of a list again and again";
            return Err(Error::new(ErrorKind::Other, message).with_backend(BACKEND));
        }
        token => Some(token),
    };
    let objects = output.objects.into_iter().map(|object| {
        let name = object.name.clone();
        let head = Head::of(object);
        let (version, size) = (Some(head.version()), Some(head.size));
        Listed { name, version, size, modified: head.modified }
    });
    Ok(Page { objects: objects.collect(), prefixes: output.prefixes, next })
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
