//! DeleteMultipleObjects.

use std::time::SystemTime;

use super::encode::{from_xml_text, percent_encode, xml_text};
use super::objects::check_md5;
use super::reply::{self, Refusal, Reply, xml};
use super::request::Ask;
use super::store::Store;

/// The names of a request at most.
const MAX_NAMES: usize = 1000;

pub(super) fn delete(store: &mut Store, ask: &Ask, now: SystemTime) -> Result<Reply, Refusal> {
    if ask.header("content-md5").is_empty() {
        let message = "Missing required header for this request: Content-MD5";
        return Err(Refusal::bad("MissingArgument", "0016-00000202", message));
    }
    check_md5(ask)?;
    let body = std::str::from_utf8(&ask.body).map_err(|_| malformed())?;
    if !body.contains("<Delete>") || !body.contains("</Delete>") {
        return Err(malformed());
    }
    let keys: Vec<String> = elements(body, "Key").map(from_xml_text).collect();
    if keys.is_empty() || keys.len() > MAX_NAMES {
        return Err(malformed());
    }
    let quiet = elements(body, "Quiet").any(|text| text.eq_ignore_ascii_case("true"));
    let url = ask.param("encoding-type") == Some("url");
    let mut deleted = String::new();
    for key in &keys {
        let written = store.delete(&ask.bucket, key, None, now)?;
        let name = if url { percent_encode(key) } else { xml_text(key) };
        deleted += &format!("<Deleted><Key>{name}</Key>");
        if let Some(marker) = written.version.filter(|_| written.marker) {
            deleted += &format!(
                "<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{marker}</DeleteMarkerVersionId>"
            );
        }
        deleted += "</Deleted>";
    }
    if quiet {
        return Ok(reply::ok());
    }
    let encoding = if url { "<EncodingType>url</EncodingType>" } else { "" };
    Ok(xml(&format!("<DeleteResult>{encoding}{deleted}</DeleteResult>")))
}

fn malformed() -> Refusal {
    let message = "The XML you provided was not well-formed or did not validate against our published schema.";
    Refusal::bad("MalformedXML", "0016-00000301", message)
}

/// The texts of all elements of this name.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, behind) = rest.split_once(&open)?;
        let (text, after) = behind.split_once(&close)?;
        rest = after;
        Some(text)
    })
}
