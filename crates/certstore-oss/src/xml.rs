//! The server's XML: errors, lists, what was deleted, whether versions are kept. Read strictly, but for errors, of which
//! whatever can be read is of use.

use certstore_core::Result;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::error::senseless;

/// How deep elements may lie in each other: no answer of OSS goes deeper than 4.
const MAX_DEPTH: usize = 16;

/// What an error says.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) ec: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// A list as it arrived, names still encoded.
#[derive(Debug, Default)]
pub(crate) struct RawList {
    pub(crate) objects: Vec<RawObject>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) truncated: bool,
    pub(crate) next: Option<String>,
    pub(crate) url_encoded: bool,
}

#[derive(Debug, Default)]
pub(crate) struct RawObject {
    pub(crate) key: String,
    pub(crate) etag: Option<String>,
    pub(crate) size: Option<String>,
    pub(crate) modified: Option<String>,
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// It never has.
    Never,
    /// It does, or has done.
    Kept,
}

pub(crate) fn error(body: &[u8]) -> Told {
    let mut told = Told::default();
    // What comes before the damage counts.
    let _ = read(body, |path, text| {
        let ["Error", name] = path else { return };
        let part = match *name {
            "Code" => &mut told.code,
            "Message" => &mut told.message,
            "EC" => &mut told.ec,
            "Endpoint" => &mut told.endpoint,
            _ => return,
        };
        part.get_or_insert(text);
    });
    told
}

pub(crate) fn list(body: &[u8]) -> Result<RawList> {
    let (mut list, mut object) = (RawList::default(), RawObject::default());
    let root = read(body, |path, text| match path {
        ["ListBucketResult", "Contents", "Key"] => object.key = text,
        ["ListBucketResult", "Contents", "ETag"] => object.etag = Some(text),
        ["ListBucketResult", "Contents", "Size"] => object.size = Some(text),
        ["ListBucketResult", "Contents", "LastModified"] => object.modified = Some(text),
        ["ListBucketResult", "Contents"] => list.objects.push(std::mem::take(&mut object)),
        ["ListBucketResult", "CommonPrefixes", "Prefix"] => list.prefixes.push(text),
        ["ListBucketResult", "IsTruncated"] => list.truncated = text.trim() == "true",
        ["ListBucketResult", "NextContinuationToken"] => list.next = Some(text),
        ["ListBucketResult", "EncodingType"] => list.url_encoded = text.trim() == "url",
        _ => {}
    })?;
    expect(&root, "ListBucketResult")?;
    Ok(list)
}

/// The names that were deleted, still encoded if the answer says so.
pub(crate) fn deleted(body: &[u8]) -> Result<(Vec<String>, bool)> {
    let (mut names, mut url_encoded) = (Vec::new(), false);
    let root = read(body, |path, text| match path {
        ["DeleteResult", "Deleted", "Key"] => names.push(text),
        ["DeleteResult", "EncodingType"] => url_encoded = text.trim() == "url",
        _ => {}
    })?;
    expect(&root, "DeleteResult")?;
    Ok((names, url_encoded))
}

pub(crate) fn versioning(body: &[u8]) -> Result<Versioning> {
    let mut status = None;
    let root = read(body, |path, text| {
        if let ["VersioningConfiguration", "Status"] = path {
            status = Some(text);
        }
    })?;
    expect(&root, "VersioningConfiguration")?;
    Ok(match status.as_deref().map(str::trim) {
        None | Some("") => Versioning::Never,
        Some(_) => Versioning::Kept,
    })
}

fn expect(root: &str, name: &str) -> Result<()> {
    if root == name { Ok(()) } else { Err(damaged()) }
}

fn damaged() -> certstore_core::Error {
    senseless("the server's answer is not what OSS answers; check endpoint")
}

/// Gives every element's path and text when it ends; the name of the outermost.
fn read(body: &[u8], mut ended: impl FnMut(&[&str], String)) -> Result<String> {
    let body = std::str::from_utf8(body).map_err(|error| damaged().with_source(error))?;
    let mut reader = Reader::from_str(body);
    let mut open: Vec<(String, String)> = Vec::new();
    let mut root = None;
    let broken = |error: quick_xml::Error| damaged().with_source(error);
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(element) => {
                let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
                if open.len() == MAX_DEPTH || (open.is_empty() && root.is_some()) {
                    return Err(damaged());
                }
                open.push((name, String::new()));
            }
            Event::Empty(element) => {
                let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
                open.push((name, String::new()));
                close(&mut open, &mut root, &mut ended);
            }
            Event::End(_) => close(&mut open, &mut root, &mut ended),
            Event::Text(text) => {
                if let Some((_, found)) = open.last_mut() {
                    found.push_str(&text.decode().map_err(|error| broken(error.into()))?);
                }
            }
            Event::CData(text) => {
                if let Some((_, found)) = open.last_mut() {
                    found.push_str(&text.decode().map_err(|error| broken(error.into()))?);
                }
            }
            Event::GeneralRef(entity) => {
                let Some((_, found)) = open.last_mut() else { return Err(damaged()) };
                if let Some(c) = entity.resolve_char_ref().map_err(broken)? {
                    found.push(c);
                } else {
                    let name = entity.decode().map_err(|error| broken(error.into()))?;
                    found.push_str(resolve_predefined_entity(&name).ok_or_else(damaged)?);
                }
            }
            // Nothing that OSS sends needs one, and one can be a bomb.
            Event::DocType(_) => return Err(damaged()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if open.is_empty() => return root.ok_or_else(damaged),
            Event::Eof => return Err(damaged()),
        }
    }
}

fn close(
    open: &mut Vec<(String, String)>,
    root: &mut Option<String>,
    ended: &mut impl FnMut(&[&str], String),
) {
    let text = open.last_mut().map(|(_, text)| std::mem::take(text)).unwrap_or_default();
    let path: Vec<&str> = open.iter().map(|(name, _)| name.as_str()).collect();
    ended(&path, text);
    if let Some((name, _)) = open.pop()
        && open.is_empty()
    {
        *root = Some(name);
    }
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
