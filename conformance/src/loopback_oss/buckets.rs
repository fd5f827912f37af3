//! GetBucketVersioning and PutBucketVersioning.

use super::reply::{self, Refusal, Reply, xml};
use super::request::Ask;
use super::store::{Store, Versioning};

pub(super) fn get_versioning(store: &Store, ask: &Ask) -> Result<Reply, Refusal> {
    let status = match store.bucket(&ask.bucket)?.versioning {
        Versioning::Off => "",
        Versioning::Enabled => "<Status>Enabled</Status>",
        Versioning::Suspended => "<Status>Suspended</Status>",
    };
    Ok(xml(&format!("<VersioningConfiguration>{status}</VersioningConfiguration>")))
}

pub(super) fn put_versioning(store: &mut Store, ask: &Ask) -> Result<Reply, Refusal> {
    let body = String::from_utf8_lossy(&ask.body);
    let status = body.split_once("<Status>").and_then(|(_, rest)| rest.split_once("</Status>"));
    let versioning = match status.map(|(status, _)| status.trim()) {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        _ => {
            let message = "The XML you provided was not well-formed or did not validate against our published schema.";
            return Err(Refusal::bad("MalformedXML", "0016-00000301", message));
        }
    };
    store.bucket_mut(&ask.bucket)?.versioning = versioning;
    Ok(reply::ok())
}
