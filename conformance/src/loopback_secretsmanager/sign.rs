//! Signatures of version 4, checked.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use hyper::HeaderMap;
use ring::{digest, hmac};

use super::REGION;
use super::clock::parse_stamp;
use super::failure::{Done, Failure};
use crate::loopback::credentials::Identity;

/// How far a signature's time may be from the server's.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// What a request says of who sends it.
struct Signed<'a> {
    access_key: &'a str,
    scope: [&'a str; 4],
    headers: &'a str,
    signature: &'a str,
}

/// Who sent a request: the key of its signature, which is right.
pub(super) fn identify<'a>(
    identities: &'a [Identity],
    headers: &HeaderMap,
    body: &[u8],
) -> Done<&'a Identity> {
    let missing =
        || Failure::new("MissingAuthenticationTokenException", "Missing Authentication Token");
    let header = text(headers, "authorization").ok_or_else(missing)?;
    let signed = parse(header).ok_or_else(|| {
        Failure::new(
            "IncompleteSignatureException",
            "Authorization header is not of the right form.",
        )
    })?;
    let unknown = || {
        Failure::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    };
    let find = |identity: &&Identity| identity.credentials.access_key == signed.access_key;
    let identity = identities.iter().find(find).ok_or_else(unknown)?;
    let [date, region, service, _] = signed.scope;
    if region != REGION {
        let message = format!("Credential should be scoped to a valid region, not '{region}'. ");
        return Err(Failure::new("InvalidSignatureException", message));
    }
    if service != "secretsmanager" {
        let message = "Credential should be scoped to correct service: 'secretsmanager'. ";
        return Err(Failure::new("InvalidSignatureException", message));
    }
    let stamp = text(headers, "x-amz-date").unwrap_or_default();
    check_time(stamp)?;
    if !stamp.starts_with(date) || !is_right(&signed, identity, headers, stamp, body) {
        let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                       Access Key and signing method. Consult the service documentation for details.";
        return Err(Failure::new("InvalidSignatureException", message));
    }
    if text(headers, "x-amz-security-token") != identity.credentials.session_token.as_deref() {
        return Err(unknown());
    }
    Ok(identity)
}

fn check_time(stamp: &str) -> Done<()> {
    let now = SystemTime::now();
    let near = parse_stamp(stamp).is_some_and(|time| {
        let apart = now.duration_since(time).or_else(|_| time.duration_since(now));
        apart.is_ok_and(|apart| apart <= SKEW)
    });
    if near {
        return Ok(());
    }
    Err(Failure::skewed(stamp))
}

fn parse(header: &str) -> Option<Signed<'_>> {
    let mut parts = header.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',').map(str::trim);
    let credential = parts.next()?.strip_prefix("Credential=")?;
    let headers = parts.next()?.strip_prefix("SignedHeaders=")?;
    let signature = parts.next()?.strip_prefix("Signature=")?;
    let (access_key, scope) = credential.split_once('/')?;
    let scope: Vec<&str> = scope.split('/').collect();
    Some(Signed { access_key, scope: scope.try_into().ok()?, headers, signature })
}

fn is_right(
    signed: &Signed<'_>,
    identity: &Identity,
    headers: &HeaderMap,
    stamp: &str,
    body: &[u8],
) -> bool {
    let mut canonical = String::from("POST\n/\n\n");
    for name in signed.headers.split(';') {
        // Writing to a String cannot fail.
        let _ = writeln!(canonical, "{name}:{}", text(headers, name).unwrap_or_default().trim());
    }
    let body = hex(digest::digest(&digest::SHA256, body).as_ref());
    let _ = write!(canonical, "\n{}\n{body}", signed.headers);
    let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let scope = signed.scope.join("/");
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}");
    let mut key = format!("AWS4{}", identity.credentials.secret_key).into_bytes();
    for part in signed.scope {
        key = sign(&key, part);
    }
    let Some(given) = unhex(signed.signature) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::verify(&key, to_sign.as_bytes(), &given).is_ok()
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}
