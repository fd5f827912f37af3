//! What CertMagic makes of a name before it becomes a component of a key.

/// `name` as CertMagic 0.10 and later writes it: lower case, trimmed, `:` as `-`, and only `[a-z0-9_@.-]` left.
pub(super) fn safe(name: &str) -> String {
    sanitize(name, "-")
}

/// `name` as CertMagic 0.5 to 0.9 writes it: those versions drop `:`.
pub(super) fn safe_v0_6(name: &str) -> String {
    sanitize(name, "")
}

fn sanitize(name: &str, colon: &str) -> String {
    // Character by character: lower-casing a whole string would look at a sigma's neighbours, which Go does not.
    let lower: String = name.chars().flat_map(char::to_lowercase).collect();
    let mut rest = lower.trim();
    let mut safe = String::with_capacity(rest.len());
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("..") {
            rest = after;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            ' ' => safe.push('_'),
            '+' => safe.push_str("_plus_"),
            '*' => safe.push_str("wildcard_"),
            ':' => safe.push_str(colon),
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '.' | '-') => safe.push(c),
            _ => {}
        }
    }
    safe
}
