//! Endpoints in configurations: `https://host[:port]`.

use std::net::IpAddr;

/// Whether it is a URL of HTTP with a host and nothing behind it.
#[must_use]
pub fn is_http(endpoint: &str) -> bool {
    host_and_path(endpoint).is_some_and(|(host, path)| {
        !host.is_empty() && !host.contains(['@', '?', '#']) && matches!(path, "" | "/")
    })
}

/// Whether what is sent there can be read on the way: no TLS, and not this machine.
#[must_use]
pub fn is_cleartext(endpoint: &str) -> bool {
    endpoint.starts_with("http://") && !host_of(endpoint).is_some_and(is_local)
}

/// Whether a bucket cannot stand before the endpoint's host as a domain: an address, or `localhost`.
#[must_use]
pub fn is_domainless(endpoint: &str) -> bool {
    host_of(endpoint).is_some_and(names_no_domain)
}

/// Whether a host is this machine, by its name.
#[must_use]
pub fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a host is an address, or `localhost`.
#[must_use]
pub fn names_no_domain(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok()
}

/// The host in `host[:port]`, without brackets; empty where one is not closed.
#[must_use]
pub fn host(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn host_of(endpoint: &str) -> Option<&str> {
    host_and_path(endpoint).map(|(authority, _)| host(authority))
}

fn host_and_path(endpoint: &str) -> Option<(&str, &str)> {
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"))?;
    Some(rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash)))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
