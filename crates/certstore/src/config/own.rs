//! The keys of a section that no backend reads: layers over every backend, or over those that have no such thing.

use certstore_core::{Key, Result, Secret, options};

use super::table::BackendInfo;
use super::value::{Settings, invalid};

/// Opens a storage to read only.
pub(super) const READ_ONLY: &str = "read_only";

const PREFIX: &str = "prefix";

/// Whether `key` is read here, not by the backend of that name.
pub(super) fn is_own(key: &str, backend: &str) -> bool {
    key == READ_ONLY || (key == PREFIX && has_no_prefix(backend))
}

/// The backends that have no prefix of their own. Files have directories instead.
fn has_no_prefix(backend: &str) -> bool {
    matches!(backend, "memory" | "postgres")
}

/// Takes the parameters that are read here out of a URL.
///
/// # Errors
/// One of them is not percent-encoded as it should be.
pub(super) fn take_parameters(
    url: &Secret,
    backend: &BackendInfo,
) -> Result<(Secret, Vec<(String, String)>)> {
    let (whole, fragment) = match url.expose().find('#') {
        Some(at) => url.expose().split_at(at),
        None => (url.expose(), ""),
    };
    let Some((before, query)) = whole.split_once('?') else { return Ok((url.clone(), Vec::new())) };
    let (own, rest): (Vec<&str>, Vec<&str>) = query
        .split('&')
        .partition(|part| is_own(part.split('=').next().unwrap_or(part), backend.name));
    if own.is_empty() {
        return Ok((url.clone(), Vec::new()));
    }
    let mark = if rest.is_empty() { "" } else { "?" };
    let left = Secret::new(format!("{before}{mark}{}{fragment}", rest.join("&")));
    Ok((left, options::query(&own.join("&"))?))
}

/// Checks what is read here. `section` is the section's name.
pub(super) fn check(settings: &Settings, section: &str) -> Result<()> {
    if section != "storage" && settings.flag(READ_ONLY).is_some() {
        return Err(invalid(format!(
            "[{section}] has no \"{READ_ONLY}\": to lock is to write; write it in [storage]"
        )));
    }
    directory(settings).map(drop)
}

/// The directory that everything lies below, where the backend has no prefix itself.
pub(crate) fn directory(settings: &Settings) -> Result<Option<Key>> {
    let backend = settings.backend().name;
    let Some(prefix) = settings.text(PREFIX).filter(|_| has_no_prefix(backend)) else {
        return Ok(None);
    };
    Key::new(prefix).map(Some).map_err(|error| {
        invalid(format!(
            "\"{PREFIX}\" of backend \"{backend}\" is to be a directory: {}",
            error.message()
        ))
    })
}
