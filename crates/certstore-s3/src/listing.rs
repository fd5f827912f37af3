//! Lists: one page after another, names decoded.

use std::time::SystemTime;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use certstore_core::{Error, ErrorKind, Result};

use crate::bucket::{Bucket, etag, size, time};
use crate::error::{Access, BACKEND, sdk_error};
use crate::names::MAX_OBJECT;

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
    pub(crate) limit: Option<i32>,
}

impl Query {
    pub(crate) fn deep(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }
}

impl Bucket {
    pub(crate) async fn page(&self, query: &Query, token: Option<String>) -> Result<Page> {
        // No name is so long, and some servers refuse the question.
        if query.prefix.len() > MAX_OBJECT {
            return Ok(Page::default());
        }
        let request = self
            .clients
            .reading
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(&query.prefix)
            .set_delimiter(query.shallow.then(|| "/".to_owned()))
            .set_max_keys(query.limit)
            .set_continuation_token(token.clone())
            // Names may hold characters that no XML can.
            .encoding_type(EncodingType::Url);
        self.within(Access::Read, async {
            match request.send().await {
                Ok(output) => page(&output, token.as_deref()),
                Err(error) => Err(sdk_error(&error, Access::Read)),
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
fn page(output: &ListObjectsV2Output, sent: Option<&str>) -> Result<Page> {
    let encoded = output.encoding_type() == Some(&EncodingType::Url);
    let name = |name: Option<&str>| {
        let name = name.unwrap_or_default();
        if encoded { decode(name) } else { Ok(name.to_owned()) }
    };
    let mut objects = Vec::with_capacity(output.contents().len());
    for object in output.contents() {
        objects.push(Listed {
            name: name(object.key())?,
            etag: etag(object.e_tag()).ok(),
            size: size(object.size()).ok(),
            modified: object.last_modified().and_then(time),
        });
    }
    let prefixes: Result<Vec<String>> =
        output.common_prefixes().iter().map(|prefix| name(prefix.prefix())).collect();
    let next = match output.next_continuation_token().filter(|token| !token.is_empty()) {
        _ if output.is_truncated() != Some(true) => None,
        None => return Err(senseless("the server says that a list goes on, but not where")),
        token if token == sent => {
            return Err(senseless("the server gives the same page of a list again and again"));
        }
        token => token.map(str::to_owned),
    };
    Ok(Page { objects, prefixes: prefixes?, next })
}

/// As in forms: `+` for a space, `%` and two digits for a byte.
fn decode(name: &str) -> Result<String> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
                match (digit(bytes.next()), digit(bytes.next())) {
                    (Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or_default(),
                    _ => {
                        return Err(senseless(
                            "a name in the server's list is not encoded as it says",
                        ));
                    }
                }
            }
            other => other,
        });
    }
    // A name that is no UTF-8 is foreign in any case.
    Ok(String::from_utf8_lossy(&decoded).into_owned())
}

fn senseless(message: &'static str) -> Error {
    Error::new(ErrorKind::Other, message).with_backend(BACKEND)
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
