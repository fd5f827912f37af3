//! Reads where apt gets its packages from.

use std::path::Path;

use anyhow::{Context, Result};

/// A place to get packages from, as the system's own lists name it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Without the brackets: `signed-by=/usr/share/keyrings/a.gpg`.
    options: String,
    uri: String,
}

impl Source {
    /// The line of a sources list for another suite of the same place.
    pub(super) fn line(&self, suite: &str) -> String {
        let Self { options, uri } = self;
        if options.is_empty() {
            format!("deb {uri} {suite} main")
        } else {
            format!("deb [{options}] {uri} {suite} main")
        }
    }
}

/// The first place that the system gets `release` from.
pub(super) fn release(release: &str) -> Result<Option<Source>> {
    let mut files = vec![Path::new("/etc/apt/sources.list").to_owned()];
    if let Ok(folder) = std::fs::read_dir("/etc/apt/sources.list.d") {
        let mut more: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more);
    }
    for file in files.iter().filter(|file| file.is_file()) {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let found = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => in_lines(&text, release),
            Some("sources") => in_stanzas(&text, release),
            _ => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// `deb [options] uri suite component...`
fn in_lines(text: &str, release: &str) -> Option<Source> {
    text.lines().find_map(|line| {
        let rest = line.split('#').next()?.trim().strip_prefix("deb ")?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        let here = suite == release && words.any(|component| component == "main");
        here.then(|| Source { options: options.trim().to_owned(), uri: uri.to_owned() })
    })
}

/// Paragraphs of `Field: value`, as deb822 has them.
fn in_stanzas(text: &str, release: &str) -> Option<Source> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).find_map(|stanza| {
        let field = |name: &str| {
            stanza.iter().find_map(|line| {
                let (field, value) = line.split_once(':')?;
                field.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let has = |name, word| {
            field(name).is_some_and(|value| value.split_whitespace().any(|found| found == word))
        };
        let off = field("Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
        if off || !has("Types", "deb") || !has("Suites", release) || !has("Components", "main") {
            return None;
        }
        let uri = field("URIs")?.split_whitespace().next()?.to_owned();
        // A key that stands in the stanza itself has no path; apt's trusted keys then decide.
        let key = field("Signed-By").filter(|value| value.starts_with('/') && !value.contains(' '));
        Some(Source { options: key.map(|key| format!("signed-by={key}")).unwrap_or_default(), uri })
    })
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
