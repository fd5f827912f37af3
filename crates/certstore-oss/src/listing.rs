//! Lists: one page after another, names decoded.

use std::time::SystemTime;

use certstore_core::Result;
use http::Method;

use crate::bucket::{Bucket, etag};
use crate::client::Call;
use crate::date;
use crate::encode::decode;
use crate::error::{Access, refused, senseless};
use crate::names::MAX_OBJECT;
use crate::xml::{self, RawList};

/// The longest page, in bytes: a thousand names of a kilobyte, each byte as three, and as much again around them.
const MAX_PAGE: u64 = 8 << 20;

/// The most names of a page. Unasked OSS gives 100.
const PAGE: u32 = 1000;

/// An object in a list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) etag: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) modified: Option<SystemTime>,
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
    pub(crate) limit: Option<u32>,
}

impl Query {
    pub(crate) fn deep(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }
}

impl Bucket {
    pub(crate) async fn page(&self, query: &Query, token: Option<String>) -> Result<Page> {
        // No name is so long, and the server refuses the question.
        if query.prefix.len() > MAX_OBJECT {
            return Ok(Page::default());
        }
        let mut call = Call::read(Method::GET, None, MAX_PAGE)
            .query("list-type", "2")
            // Names may hold characters that no XML can.
            .query("encoding-type", "url")
            .query("max-keys", query.limit.unwrap_or(PAGE).to_string())
            .query("prefix", query.prefix.as_str());
        if query.shallow {
            call = call.query("delimiter", "/");
        }
        if let Some(token) = &token {
            call = call.query("continuation-token", token.as_str());
        }
        let reply = self.client.send(&call).await?;
        if !reply.is_success() {
            return Err(refused(&reply, Access::Read));
        }
        page(xml::list(&reply.body)?, token.as_deref())
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
fn page(list: RawList, sent: Option<&str>) -> Result<Page> {
    let name = |name: String| match list.url_encoded {
        true => decode(&name)
            .ok_or_else(|| senseless("a name in the server's list is not encoded as it says")),
        false => Ok(name),
    };
    let mut objects = Vec::with_capacity(list.objects.len());
    for object in list.objects {
        objects.push(Listed {
            name: name(object.key)?,
            etag: etag(object.etag.as_deref()).ok(),
            size: object.size.and_then(|size| size.trim().parse().ok()),
            modified: object.modified.and_then(|time| date::rfc3339(time.trim())),
        });
    }
    let prefixes: Result<Vec<String>> = list.prefixes.into_iter().map(name).collect();
    let next = match list.next.filter(|token| !token.is_empty()) {
        _ if !list.truncated => None,
        None => return Err(senseless("the server says that a list goes on, but not where")),
        token if token.as_deref() == sent => {
            return Err(senseless("the server gives the same page of a list again and again"));
        }
        token => token,
    };
    Ok(Page { objects, prefixes: prefixes?, next })
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
