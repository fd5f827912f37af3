//! Percent encoding, paging tokens, XML.

use std::fmt::Write;

/// Everything but letters, digits and `-_.~/` as `%XX`: names in lists, paths in signatures.
pub(super) fn percent_encode(text: &str) -> String {
    encode_but(text, b"-_.~/")
}

/// The same with the slash as `%2F`: queries in signatures.
pub(super) fn query_encode(text: &str) -> String {
    encode_but(text, b"-_.~")
}

fn encode_but(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Undoes percent encoding as clients use it in queries, where `+` is a space; what is no escape stays.
pub(super) fn query_decode(text: &str) -> String {
    percent_decode(&text.replace('+', " "))
}

/// Undoes percent encoding of a path; what is no escape stays.
pub(super) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = behind.get(..2).filter(|_| byte == b'%').and_then(hex_byte);
        match escaped {
            Some(value) => {
                bytes.push(value);
                rest = &behind[2..];
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A continuation token: nothing that a client could take for a key.
pub(super) fn to_token(name: &str) -> String {
    name.bytes().fold("t".to_owned(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    })
}

pub(super) fn from_token(token: &str) -> Option<String> {
    let digits = token.strip_prefix('t')?.as_bytes();
    let bytes = digits.chunks(2).map(hex_byte).collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The text of an XML element. Characters that XML cannot have are the caller's to avoid.
pub(super) fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

/// Undoes [`xml_text`], and what other clients write in its place.
pub(super) fn from_xml_text(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((name, after)) = behind.split_once(';') else {
            rest = behind;
            break;
        };
        let number = name.strip_prefix("#x").map(|hex| u32::from_str_radix(hex, 16));
        let number = number.or_else(|| name.strip_prefix('#').map(str::parse));
        plain.extend(match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => number.and_then(Result::ok).and_then(char::from_u32),
        });
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.len() == 2)?;
    u8::from_str_radix(text, 16).ok().filter(|_| !text.starts_with('+'))
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
