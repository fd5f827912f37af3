//! Where the server is, where the bucket stands, and which region that is.

use certstore_core::Result;
use certstore_objects::endpoint::{host, is_local, names_no_domain};

use crate::config::{Addressing, OssConfig, Signature};
use crate::encode::path;
use crate::error::invalid_config;

/// The endpoint of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `https` or `http`.
    scheme: &'static str,
    /// Host and port, without the bucket.
    authority: String,
    bucket: String,
    bucket_in_path: bool,
    /// Empty where no signature needs one.
    pub(crate) region: String,
}

impl Endpoint {
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): the endpoint is none, or no region is known.
    pub(crate) fn of(config: &OssConfig) -> Result<Self> {
        let given = config.endpoint.as_deref();
        let region = match (&config.region, given.and_then(region_in)) {
            (Some(region), _) => region.trim_start_matches("oss-").to_owned(),
            (None, Some(region)) => region.to_owned(),
            (None, None) if config.signature == Signature::V1 && given.is_some() => String::new(),
            (None, None) => {
                return Err(invalid_config(
                    "no region is known; set region, or an endpoint with the region in its name",
                ));
            }
        };
        if region.bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte != b'-') {
            return Err(invalid_config("region is a name like cn-hangzhou"));
        }
        let endpoint = match given {
            Some(endpoint) => endpoint.to_owned(),
            None => format!("https://oss-{region}.aliyuncs.com"),
        };
        let (scheme, authority) = parts(&endpoint).ok_or_else(|| {
            invalid_config("endpoint is a URL like https://host:9000, without a path")
        })?;
        let bucket_in_path = match config.addressing {
            Addressing::Path => true,
            Addressing::Virtual => false,
            Addressing::Auto => names_no_domain(host(authority)),
        };
        let (authority, bucket) = (authority.to_owned(), config.bucket.clone());
        Ok(Self { scheme, authority, bucket, bucket_in_path, region })
    }

    /// The URL of an object, or of the bucket itself, without a query.
    pub(crate) fn url(&self, object: Option<&str>) -> String {
        let Self { scheme, authority, bucket, .. } = self;
        let object = object.map(path).unwrap_or_default();
        if self.bucket_in_path {
            format!("{scheme}://{authority}/{bucket}/{object}")
        } else {
            format!("{scheme}://{bucket}.{authority}/{object}")
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == "https"
    }

    /// Whether what is sent there can be read on the way: no TLS, and not this machine.
    pub(crate) fn is_cleartext(&self) -> bool {
        !self.is_tls() && !is_local(host(&self.authority))
    }
}

/// Scheme and authority; without a scheme it is `https`.
fn parts(endpoint: &str) -> Option<(&'static str, &str)> {
    let (scheme, rest) = match endpoint.split_once("://") {
        None => ("https", endpoint),
        Some(("https", rest)) => ("https", rest),
        Some(("http", rest)) => ("http", rest),
        Some(_) => return None,
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let usable = !authority.is_empty()
        && authority.chars().all(plain)
        && authority.parse::<http::uri::Authority>().is_ok()
        && !host(authority).is_empty();
    usable.then_some((scheme, authority))
}

/// The region in a name like `oss-cn-hangzhou-internal.aliyuncs.com`.
fn region_in(endpoint: &str) -> Option<&str> {
    let (_, authority) = parts(endpoint)?;
    let name = host(authority).strip_suffix(".aliyuncs.com")?.strip_prefix("oss-")?;
    let region = name.strip_suffix("-internal").unwrap_or(name);
    (!region.is_empty() && region != "accelerate" && !region.contains('.')).then_some(region)
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
