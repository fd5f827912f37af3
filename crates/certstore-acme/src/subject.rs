//! Which names can have a certificate.

use std::net::IpAddr;

use certstore_core::{Error, ErrorKind, Result};

/// The longest name and label of DNS (RFC 1035, section 2.3.4), in octets.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Top-level names that no public CA gives certificates for: RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal`.
const PRIVATE_SUFFIXES: [&str; 4] = ["localhost", "local", "home.arpa", "internal"];

/// Whether a host name can have a certificate from a public CA by the look of it, as CertMagic's `HostQualifies` says it:
/// not `localhost`, not an IP address, not empty; a wildcard only as the whole left-most label, above at least two more.
///
/// Internationalised names may be given in either form.
///
/// ```
/// use certstore_acme::host_qualifies;
/// assert!(host_qualifies("example.com") && host_qualifies("*.example.com"));
/// assert!(!host_qualifies("localhost") && !host_qualifies("127.0.0.1") && !host_qualifies("*.com"));
/// ```
#[must_use]
pub fn host_qualifies(hostname: &str) -> bool {
    let Ok(name) = subject(hostname) else { return false };
    let wildcard_is_high = name.strip_prefix("*.").is_some_and(|rest| !rest.contains('.'));
    name.parse::<IpAddr>().is_err() && !is_private_subject(&name) && !wildcard_is_high
}

/// A name as certificates have it: a DNS name in lower case and in punycode, perhaps with `*` as its first label, or an
/// IP address in its shortest form.
///
/// # Errors
/// [`ErrorKind::InvalidKey`]: it is neither.
///
/// ```
/// use certstore_acme::subject;
/// assert_eq!(subject("Bücher.Example")?, "xn--bcher-kva.example");
/// assert_eq!(subject("[2001:DB8::1]")?, "2001:db8::1");
/// assert!(subject("www.*.example.com").is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
pub fn subject(name: &str) -> Result<String> {
    let refused = |rule: &str| {
        let shown: String = name.escape_debug().take(80).collect();
        Err(Error::new(ErrorKind::InvalidKey, format!("this name can have no certificate: {rule}"))
            .with_subject(shown))
    };
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let (star, rest) = match name.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", name),
    };
    let Ok(ascii) = idna::domain_to_ascii_strict(rest) else {
        return refused("it is no DNS name and no IP address");
    };
    if ascii.is_empty() || star.len() + ascii.len() > LONGEST_NAME {
        return refused("a DNS name has 1 to 253 characters");
    }
    let label = |label: &str| (1..=LONGEST_LABEL).contains(&label.len());
    if !ascii.split('.').all(label) {
        return refused("each part of it has 1 to 63 characters");
    }
    // What only looks like an address, `1.2.3`, is none; certificates for such names are refused everywhere.
    if ascii.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return refused("its last part is a number");
    }
    Ok(format!("{star}{ascii}"))
}

/// Whether only an internal CA gives a certificate for it: a private name of DNS, or an address that is not routed.
#[must_use]
pub fn is_private_subject(subject: &str) -> bool {
    match subject.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
        }
        Ok(IpAddr::V6(address)) => {
            address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_unspecified()
        }
        Err(_) => PRIVATE_SUFFIXES.iter().any(|suffix| {
            subject.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }),
    }
}

#[cfg(test)]
#[path = "subject_tests.rs"]
mod tests;
