//! Lists: one page after another.

use certstore_core::{Error, ErrorKind, Result};
use google_cloud_storage::model::ListObjectsResponse;

use crate::again::{Sending, send};
use crate::answer::Answer;
use crate::bucket::{Bucket, Head};
use crate::error::{Access, BACKEND, answered, failed};
use crate::names::MAX_OBJECT;

/// An object in a list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) head: Head,
}

/// Up to 1,000 names.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Listed>,
    /// With a delimiter: what several names begin with, up to the next slash.
    pub(crate) prefixes: Vec<String>,
    pub(crate) next: Option<String>,
}

/// What is listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// What the names begin with.
    pub(crate) prefix: String,
    /// Whether names end at the next slash.
    pub(crate) shallow: bool,
    /// At most so many names a page; `None`: 1,000.
    pub(crate) limit: Option<i32>,
}

impl Query {
    pub(crate) fn deep(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }
}

impl Bucket {
    pub(crate) async fn page(&self, query: &Query, token: Option<String>) -> Result<Page> {
        // No name is so long.
        if query.prefix.len() > MAX_OBJECT {
            return Ok(Page::default());
        }
        let sent = token.as_deref().unwrap_or_default();
        send(self.timeout, Sending::Reads, || async {
            let request = self
                .clients
                .control
                .list_objects()
                .set_parent(&self.path)
                .set_prefix(&query.prefix)
                .set_delimiter(if query.shallow { "/" } else { "" })
                .set_page_size(query.limit.unwrap_or(1_000))
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

    /// All names that begin with `prefix`.
    pub(crate) async fn all(&self, prefix: &str) -> Result<Vec<String>> {
        let query = Query::deep(prefix);
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let page = self.page(&query, token).await?;
            names.extend(page.objects.into_iter().map(|object| object.name));
            token = page.next;
            if token.is_none() {
                return Ok(names);
            }
        }
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
        Listed { name, head: Head::of(object) }
    });
    Ok(Page { objects: objects.collect(), prefixes: output.prefixes, next })
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
