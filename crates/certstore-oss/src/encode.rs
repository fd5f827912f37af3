//! Names in URLs and in XML.

use std::fmt::Write as _;

/// The path of an object: everything but letters, digits, `-_.~` and the slash as `%XX`.
pub(crate) fn path(object: &str) -> String {
    encode(object, b"-_.~/")
}

/// A name or value in a query.
pub(crate) fn query(text: &str) -> String {
    encode(text, b"-_.~")
}

fn encode(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A name in a list with `encoding-type=url`: `%` and two digits for a byte, and `+` for a space. `None`: it is not
/// encoded so.
pub(crate) fn decode(name: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            other => other,
        });
    }
    // A name that is no UTF-8 is foreign in any case.
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

/// The text of an XML element; `None`: it has characters that no XML can.
pub(crate) fn xml(text: &str) -> Option<String> {
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}')) {
        return None;
    }
    Some(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
