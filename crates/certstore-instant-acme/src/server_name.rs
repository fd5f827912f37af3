//! What a CA calls the other side of TLS-ALPN-01.

use std::fmt::Write as _;
use std::net::IpAddr;

/// The server name that a CA asks with in TLS-ALPN-01: the name itself, of an IP address its name for reverse lookups
/// (RFC 8738, section 6).
///
/// ```
/// use certstore_instant_acme::alpn_server_name;
/// assert_eq!(alpn_server_name("example.com"), "example.com");
/// assert_eq!(alpn_server_name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
/// ```
#[must_use]
pub fn alpn_server_name(identifier: &str) -> String {
    match identifier.parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(IpAddr::V6(address)) => {
            let mut reverse = String::new();
            for byte in address.octets().iter().rev() {
                // A String takes whatever it is given.
                let _ = write!(reverse, "{:x}.{:x}.", byte & 15, byte >> 4);
            }
            reverse + "ip6.arpa"
        }
        Err(_) => identifier.to_owned(),
    }
}
