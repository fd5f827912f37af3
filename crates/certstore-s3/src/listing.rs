//! Lists: one page after another, names decoded.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use certstore_core::{Error, ErrorKind, Result, Version};
use certstore_objects::{Access, Listed, Page, Query};

use crate::bucket::{Bucket, etag, size, time};
use crate::error::{BACKEND, sdk_error};
use crate::names::MAX_OBJECT;

impl Bucket {
    /// A page of a list.
    pub(crate) async fn list(&self, query: &Query, token: Option<&str>) -> Result<Page> {
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
            .set_max_keys(query.limit.map(i32::from))
            .set_continuation_token(token.map(str::to_owned))
            // Names may hold characters that no XML can.
            .encoding_type(EncodingType::Url);
        self.within(Access::Read, async {
            match request.send().await {
                Ok(output) => page(&output, token),
                Err(error) => Err(sdk_error(&error, Access::Read)),
            }
        })
        .await
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
            version: etag(object.e_tag()).ok().map(Version::new),
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
