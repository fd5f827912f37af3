//! A request, taken apart.

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::encode::{percent_decode, query_decode};

/// What a client asks for, before anything is known of who it is.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Empty where none is named.
    pub(super) bucket: String,
    /// Empty where the bucket itself is meant.
    pub(super) key: String,
    /// Names and values, decoded; a name alone has an empty value.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Ask {
    pub(super) fn new(parts: http::request::Parts, body: Bytes) -> Self {
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
        let (bucket, key) = match bucket_of(host.unwrap_or_default()) {
            Some(bucket) => (bucket.to_owned(), percent_decode(path)),
            None => {
                // Some clients write the slashes of a key as %2F, but the one behind the bucket.
                let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                (percent_decode(bucket), percent_decode(key))
            }
        };
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        let query = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (query_decode(name), query_decode(value))
        });
        let query = query.collect();
        Self { method: parts.method, bucket, key, query, headers: parts.headers, body }
    }

    /// The value of a query parameter; `None` where it is not there.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.param(name).is_some()
    }

    /// A header's text; empty where it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
    }

    /// Whether the outcome depends on what is there.
    pub(super) fn is_conditional(&self) -> bool {
        self.has("append")
            || self.header("x-oss-forbid-overwrite") == "true"
            || ["if-match", "if-none-match"].iter().any(|name| self.headers.contains_key(*name))
    }
}

/// The bucket before the host's first dot; `None` where the host is an address or `localhost`.
fn bucket_of(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if name == "localhost" || name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    name.split_once('.').map(|(bucket, _)| bucket)
}
