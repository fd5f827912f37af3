//! Lists: one page after another, names decoded.

use certstore_core::{Result, Version};
use certstore_objects::{Access, Listed, Page, Query};
use http::Method;

use crate::bucket::{Bucket, etag};
use crate::client::Call;
use crate::date;
use crate::encode::decode;
use crate::error::{refused, senseless};
use crate::names::MAX_OBJECT;
use crate::xml::{self, RawList};

/// The longest page, in bytes: a thousand names of a kilobyte, each byte as three, and as much again around them.
const MAX_PAGE: u64 = 8 << 20;

/// The most names of a page. Unasked OSS gives 100.
const PAGE: u16 = 1000;

impl Bucket {
    /// A page of a list.
    pub(crate) async fn list(&self, query: &Query, token: Option<&str>) -> Result<Page> {
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
        if let Some(token) = token {
            call = call.query("continuation-token", token);
        }
        let reply = self.client.send(&call).await?;
        if !reply.is_success() {
            return Err(refused(&reply, Access::Read));
        }
        page(xml::list(&reply.body)?, token)
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
            version: etag(object.etag.as_deref()).ok().map(Version::new),
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
