//! The URL of a CA's directory, read as Go's `net/url` reads it.
//!
//! The name of a CA in a key depends on which URLs Go takes for broken: of those it uses the whole text. So this
//! follows Go's rules (1.19) where RFC 3986 or the WHATWG standard would differ.

/// What a key needs of a URL, percent-decoded. Bytes that are no UTF-8 become U+FFFD, which no key keeps.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CaUrl {
    /// Host and port; empty where Go sees none.
    pub(super) host: String,
    /// The path; empty where Go sees none. Slashes at its start may be missing: no key keeps them.
    pub(super) path: String,
}

/// Which part of a URL is decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    Other,
}

/// The parts of `url`; `None` where Go reports an error.
pub(super) fn parse(url: &str) -> Option<CaUrl> {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    decode(fragment, Part::Other)?;
    if url.bytes().any(|b| b.is_ascii_control()) {
        return None;
    }
    let (has_scheme, rest) = strip_scheme(url);
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !rest.starts_with('/') && has_scheme {
        // Opaque, as `mailto:` is, and as `localhost:14000/dir` is taken.
        return Some(CaUrl::default());
    }
    if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
        return None;
    }
    let (authority, path) = match rest.strip_prefix("//") {
        Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
        None => ("", rest),
    };
    Some(CaUrl { host: text(&authority_host(authority)?), path: text(&decode(path, Part::Other)?) })
}

/// Whether `url` has a scheme, and what follows it.
fn strip_scheme(url: &str) -> (bool, &str) {
    match url.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (true, rest),
        _ => (false, url),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn authority_host(authority: &str) -> Option<Vec<u8>> {
    let Some((user, host)) = authority.rsplit_once('@') else { return decode_host(authority) };
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
    if !user.bytes().all(valid) {
        return None;
    }
    decode(user, Part::Other)?;
    decode_host(host)
}

fn decode_host(host: &str) -> Option<Vec<u8>> {
    if !host.starts_with('[') {
        let port = host.rfind(':').map_or("", |colon| &host[colon..]);
        return is_port(port).then(|| decode(host, Part::Host)).flatten();
    }
    let bracket = host.rfind(']')?;
    if !is_port(&host[bracket + 1..]) {
        return None;
    }
    let Some(zone) = host[..bracket].find("%25") else { return decode(host, Part::Host) };
    let mut decoded = decode(&host[..zone], Part::Host)?;
    decoded.extend(decode(&host[zone..bracket], Part::Zone)?);
    decoded.extend(decode(&host[bracket..], Part::Host)?);
    Some(decoded)
}

/// Empty, or a colon and any number of digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

fn decode(text: &str, part: Part) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            if part != Part::Other && first.is_ascii() && !in_host(*first) {
                return None;
            }
            decoded.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let byte = hex(*high)? * 16 + hex(*low)?;
        let allowed = match part {
            // A host may escape only what is not ASCII, and `%`, which its zone starts with.
            Part::Host => !byte.is_ascii() || byte == b'%',
            Part::Zone => matches!(byte, b'%' | b' ') || in_host(byte),
            Part::Other => true,
        };
        if !allowed {
            return None;
        }
        decoded.push(byte);
        rest = after;
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
