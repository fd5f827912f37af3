//! Signatures of version 4.

use std::time::{Duration, SystemTime};

use ring::{digest, hmac};

use super::REGION;
use super::auth::Signed;
use super::clock::compact;
use super::encode::{hex, percent_encode, query_encode};
use super::reply::Refusal;
use super::request::Ask;

const PAYLOAD: &str = "UNSIGNED-PAYLOAD";

fn malformed(message: &str) -> Refusal {
    Refusal::bad("InvalidArgument", "0002-00000201", message)
}

/// `authorization`: what stands behind the name of the method.
pub(super) fn signed<'a>(ask: &'a Ask, authorization: &'a str) -> Result<Signed<'a>, Refusal> {
    let parts: Vec<&str> = authorization.split(',').map(str::trim).collect();
    let part = |name: &str| parts.iter().find_map(|part| part.strip_prefix(name));
    let credential = part("Credential=").ok_or_else(|| malformed("Credential is missing."))?;
    let signature = part("Signature=").ok_or_else(|| malformed("Signature is missing."))?;
    let (access_key, scope) =
        credential.split_once('/').ok_or_else(|| malformed("Credential has no scope."))?;
    let [date, region, "oss", "aliyun_v4_request"] = scope.split('/').collect::<Vec<_>>()[..]
    else {
        return Err(malformed("Credential has another scope."));
    };
    if region != REGION {
        return Err(malformed("Invalid signing region in Authorization header."));
    }
    if ask.header("x-oss-content-sha256") != PAYLOAD {
        return Err(malformed("x-oss-content-sha256 must be UNSIGNED-PAYLOAD."));
    }
    let stamp = ask.header("x-oss-date");
    if !stamp.starts_with(date) {
        return Err(malformed("Invalid signing date in Authorization header."));
    }
    let additional = part("AdditionalHeaders=").unwrap_or_default();
    let canonical = canonical(ask, additional)?;
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("OSS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
    let by = Box::new(move |secret: &str| {
        let mut key = format!("aliyun_v4{secret}").into_bytes();
        for part in [date, region, "oss", "aliyun_v4_request", &to_sign] {
            let hmac = hmac::Key::new(hmac::HMAC_SHA256, &key);
            key = hmac::sign(&hmac, part.as_bytes()).as_ref().to_vec();
        }
        hex(&key)
    });
    Ok(Signed { access_key, signature, text: canonical, by, time: time(stamp) })
}

fn canonical(ask: &Ask, additional: &str) -> Result<String, Refusal> {
    let additional: Vec<&str> = additional.split(';').filter(|name| !name.is_empty()).collect();
    if additional.iter().any(|name| !ask.headers.contains_key(*name)) || !additional.is_sorted() {
        return Err(malformed(
            "AdditionalHeaders names a header that is not sent, or out of order.",
        ));
    }
    let mut path = String::from("/");
    if !ask.bucket.is_empty() {
        path += &format!("{}/{}", percent_encode(&ask.bucket), percent_encode(&ask.key));
    }
    let mut query: Vec<(String, String)> =
        ask.query.iter().map(|(name, value)| (query_encode(name), query_encode(value))).collect();
    query.sort();
    let shown = |(name, value): &(String, String)| {
        if value.is_empty() { name.clone() } else { format!("{name}={value}") }
    };
    let query: Vec<String> = query.iter().map(shown).collect();
    let always =
        |name: &str| name.starts_with("x-oss-") || matches!(name, "content-type" | "content-md5");
    let mut headers: Vec<&str> = ask.headers.keys().map(http::HeaderName::as_str).collect();
    headers.retain(|name| always(name) || additional.contains(name));
    headers.sort_unstable();
    headers.dedup();
    let mut text = format!("{}\n{path}\n{}\n", ask.method, query.join("&"));
    for name in headers {
        text += &format!("{name}:{}\n", ask.header(name));
    }
    Ok(text + &format!("\n{}\n{PAYLOAD}", additional.join(";")))
}

/// When a stamp like `20260131T235959Z` was; `None` where it is none.
fn time(stamp: &str) -> Option<SystemTime> {
    let number = |at: std::ops::Range<usize>| stamp.get(at)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(9..11)?, number(11..13)?, number(13..15)?);
    // Days by the civil calendar, counted from March.
    let year = year - u64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + of_year;
    let seconds = days.checked_sub(719_468)? * 86_400 + hour * 3_600 + minute * 60 + second;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    (compact(time) == stamp).then_some(time)
}

#[cfg(test)]
#[path = "v4_tests.rs"]
mod tests;
