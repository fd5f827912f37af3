//! OCSP staples that are past their time.

use certstore_core::{KeyInfo, Result};
use der::Decode;
use x509_ocsp::{BasicOcspResponse, OcspResponse, OcspResponseStatus};

use super::removal::{Remover, shown, unix};
use super::report::Verdict;
use super::{CleanKind, leftover};

/// Decides by what the response says. Staples have no lock of their own: the delete is conditional where the backend can.
pub(super) async fn look_at(remover: &Remover<'_>, info: &KeyInfo) -> Result<Verdict> {
    let (value, version) = remover.read(&info.key).await?;
    match next_update(&value) {
        Ok(Some(next)) if next < unix(remover.now()) => {
            let why = format!("was to be renewed by {}", shown(next));
            remover.remove(&info.key, version.as_ref(), why, &[]).await
        }
        Ok(_) => Ok(Verdict::InUse),
        // A name of digits alone can be that of a file that was never finished.
        Err(_) if info.key.name().bytes().all(|byte| byte.is_ascii_digit()) => {
            leftover::look_at(remover, info, CleanKind::Temporary).await
        }
        Err(fault) => Ok(Verdict::Garbage(fault)),
    }
}

/// The latest `nextUpdate` in a response (RFC 6960), in seconds since 1970; `None` where one of its answers has none, so
/// that it never runs out.
pub(super) fn next_update(der: &[u8]) -> Result<Option<i64>, String> {
    let response =
        OcspResponse::from_der(der).map_err(|error| format!("it is no OCSP response: {error}"))?;
    if response.response_status != OcspResponseStatus::Successful {
        return Err("it is an OCSP response without an answer".into());
    }
    let bytes = response.response_bytes.ok_or("it is an OCSP response without an answer")?;
    let basic = BasicOcspResponse::from_der(bytes.response.as_bytes())
        .map_err(|error| format!("its OCSP answer cannot be read: {error}"))?;
    let mut latest = None;
    for answer in &basic.tbs_response_data.responses {
        let Some(next) = &answer.next_update else { return Ok(None) };
        let next = i64::try_from(next.0.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        latest = latest.max(Some(next));
    }
    latest.map(Some).ok_or_else(|| "its OCSP answer is about no certificate".into())
}
