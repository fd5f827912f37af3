//! Signatures of version 1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;

use super::auth::Signed;
use super::reply::Refusal;
use super::request::Ask;

/// The query parameters that are signed: those that name a part of an object or bucket, and those that shape a reply.
const SUB_RESOURCES: [&str; 45] = [
    "acl",
    "uploads",
    "location",
    "cors",
    "logging",
    "website",
    "referer",
    "lifecycle",
    "delete",
    "append",
    "tagging",
    "objectMeta",
    "uploadId",
    "partNumber",
    "security-token",
    "position",
    "img",
    "style",
    "replication",
    "replicationProgress",
    "cname",
    "bucketInfo",
    "comp",
    "qos",
    "live",
    "status",
    "vod",
    "startTime",
    "endTime",
    "symlink",
    "x-oss-process",
    "response-content-type",
    "response-content-language",
    "response-expires",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "restore",
    "stat",
    "encryption",
    "versions",
    "versioning",
    "versionId",
    "policy",
    "continuation-token",
];

/// `authorization`: what stands behind `OSS `.
pub(super) fn signed<'a>(ask: &'a Ask, authorization: &'a str) -> Result<Signed<'a>, Refusal> {
    let Some((access_key, signature)) = authorization.split_once(':') else {
        let message = "The authorization header has no signature.";
        return Err(Refusal::bad("InvalidArgument", "0002-00000201", message));
    };
    let dates = [ask.header("x-oss-date"), ask.header("date")];
    let date = dates.into_iter().find(|date| !date.is_empty()).unwrap_or_default();
    let text = to_sign(ask, date);
    let time = httpdate::parse_http_date(date).ok();
    let of = text.clone();
    let by = Box::new(move |secret: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        BASE64.encode(hmac::sign(&key, of.as_bytes()))
    });
    Ok(Signed { access_key, signature, text, by, time })
}

fn to_sign(ask: &Ask, date: &str) -> String {
    let mut headers: Vec<&str> = ask
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-oss-"))
        .collect();
    headers.sort_unstable();
    let mut text = format!(
        "{}\n{}\n{}\n{date}\n",
        ask.method,
        ask.header("content-md5"),
        ask.header("content-type")
    );
    for name in headers {
        text += &format!("{name}:{}\n", ask.header(name));
    }
    text.push('/');
    if !ask.bucket.is_empty() {
        text += &format!("{}/{}", ask.bucket, ask.key);
    }
    let mut parts: Vec<_> =
        ask.query.iter().filter(|(name, _)| SUB_RESOURCES.contains(&name.as_str())).collect();
    parts.sort();
    let shown = |(name, value): &&(String, String)| {
        if value.is_empty() { name.clone() } else { format!("{name}={value}") }
    };
    if !parts.is_empty() {
        let parts: Vec<String> = parts.iter().map(shown).collect();
        text += &format!("?{}", parts.join("&"));
    }
    text
}
