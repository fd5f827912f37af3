//! ListObjectsV2 and ListObjects.

use super::clock::rfc3339;
use super::encode::{from_token, percent_encode, to_token, xml_text};
use super::reply::{Refusal, Reply, xml};
use super::request::Ask;
use super::store::{Store, Version};
use crate::loopback::list::{self, Entry, Query};

type Page = list::Page<Version>;

/// The keys of a page: at most, and where nothing is said.
const MAX_KEYS: usize = 1000;
const DEFAULT_KEYS: usize = 100;

const OWNER: &str = "<Owner><ID>loopback</ID><DisplayName>loopback</DisplayName></Owner>";

pub(super) fn v2(store: &Store, ask: &Ask) -> Result<Reply, Refusal> {
    let after = match given(ask, "continuation-token") {
        None => ask.param("start-after").unwrap_or_default().to_owned(),
        Some(token) => from_token(token).ok_or_else(|| {
            let message = "The continuation token is wrong.";
            Refusal::bad("InvalidArgument", "0017-00000203", message)
        })?,
    };
    let (query, text) = (query(ask, after)?, Encoder::new(ask)?);
    let page = page(store, ask, &query)?;
    let mut body = head(ask, &text, &query, &page);
    body += &format!("<KeyCount>{}</KeyCount>", page.entries.len());
    body += &format!(
        "<StartAfter>{}</StartAfter>",
        text.of(ask.param("start-after").unwrap_or_default())
    );
    if let Some(token) = given(ask, "continuation-token") {
        body += &format!("<ContinuationToken>{}</ContinuationToken>", xml_text(token));
    }
    if let Some(next) = &page.next {
        body += &format!("<NextContinuationToken>{}</NextContinuationToken>", to_token(next));
    }
    let owner = if ask.param("fetch-owner") == Some("true") { OWNER } else { "" };
    body += &entries(&page, &text, owner);
    Ok(xml(&format!("<ListBucketResult>{body}</ListBucketResult>")))
}

pub(super) fn v1(store: &Store, ask: &Ask) -> Result<Reply, Refusal> {
    let marker = ask.param("marker").unwrap_or_default().to_owned();
    let (query, text) = (query(ask, marker.clone())?, Encoder::new(ask)?);
    let page = page(store, ask, &query)?;
    let mut body = head(ask, &text, &query, &page);
    body += &format!("<Marker>{}</Marker>", text.of(&marker));
    if let Some(next) = &page.next {
        body += &format!("<NextMarker>{}</NextMarker>", text.of(next));
    }
    body += &entries(&page, &text, OWNER);
    Ok(xml(&format!("<ListBucketResult>{body}</ListBucketResult>")))
}

fn page(store: &Store, ask: &Ask, query: &Query) -> Result<Page, Refusal> {
    let keys = &store.bucket(&ask.bucket)?.keys;
    Ok(list::page(keys, |version| version.object.is_some(), query))
}

/// A parameter's value, where it has one: clients send some of them empty.
fn given<'a>(ask: &'a Ask, name: &str) -> Option<&'a str> {
    ask.param(name).filter(|value| !value.is_empty())
}

fn query(ask: &Ask, after: String) -> Result<Query, Refusal> {
    let max = match given(ask, "max-keys").map(str::parse::<usize>) {
        None => DEFAULT_KEYS,
        Some(Ok(max)) if (1..=MAX_KEYS).contains(&max) => max,
        Some(_) => {
            let message = "max-keys is a number from 1 to 1000.";
            return Err(Refusal::bad("InvalidArgument", "0017-00000202", message));
        }
    };
    let text = |name| ask.param(name).unwrap_or_default().to_owned();
    Ok(Query { prefix: text("prefix"), delimiter: text("delimiter"), after, max })
}

fn head(ask: &Ask, text: &Encoder, query: &Query, page: &Page) -> String {
    let mut head = format!(
        "<Name>{}</Name><Prefix>{}</Prefix><MaxKeys>{}</MaxKeys><Delimiter>{}</Delimiter><IsTruncated>{}</IsTruncated>",
        xml_text(&ask.bucket),
        text.of(&query.prefix),
        query.max,
        text.of(&query.delimiter),
        page.next.is_some(),
    );
    if text.url {
        head += "<EncodingType>url</EncodingType>";
    }
    head
}

fn entries(page: &Page, text: &Encoder, owner: &str) -> String {
    let mut body = String::new();
    for entry in &page.entries {
        match entry {
            Entry::Prefix(prefix) => {
                body += &format!(
                    "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
                    text.of(prefix)
                );
            }
            Entry::Key(key, version) => {
                let Some(object) = &version.object else { continue };
                body += &format!(
                    "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>\"{}\"</ETag><Type>{}</Type>\
                     <Size>{}</Size><StorageClass>Standard</StorageClass>{owner}</Contents>",
                    text.of(key),
                    rfc3339(version.modified),
                    object.etag,
                    object.kind.name(),
                    object.body.len(),
                );
            }
        }
    }
    body
}

/// Names as they are, or percent-encoded.
struct Encoder {
    url: bool,
}

impl Encoder {
    fn new(ask: &Ask) -> Result<Self, Refusal> {
        match given(ask, "encoding-type") {
            None => Ok(Self { url: false }),
            Some("url") => Ok(Self { url: true }),
            Some(_) => {
                let message = "The only encoding-type is url.";
                Err(Refusal::bad("InvalidArgument", "0017-00000201", message))
            }
        }
    }

    fn of(&self, name: &str) -> String {
        if self.url { percent_encode(name) } else { xml_text(name) }
    }
}
