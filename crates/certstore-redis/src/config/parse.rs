//! Texts of options as values.

use certstore_core::options::{decode, invalid, query};
use certstore_core::{Error, Result, Secret};

use super::{Address, RedisConfig, SCHEME, SCHEME_TLS};

/// Sets what a URL tells. The URL may hold a password, so no message shows it.
pub(super) fn url(config: &mut RedisConfig, url: &str) -> Result<()> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme != SCHEME && scheme != SCHEME_TLS {
        return Err(invalid(
            "a Redis server is named by redis://host:port/db, or rediss:// for TLS",
        ));
    }
    config.tls = scheme == SCHEME_TLS;
    if rest.contains('#') {
        return Err(invalid("write # in a redis: URL as %23"));
    }
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    if path.contains('@') || options.contains('@') {
        // The password ended early, and what follows is the rest of it.
        return Err(stray_password());
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if let Some(user) = user {
        let (name, password) = match user.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (user, None),
        };
        config.username = Some(decode(name)?).filter(|name| !name.is_empty());
        config.password = password.map(decode).transpose()?.map(Secret::new);
    }
    if !host.is_empty() {
        config.address = Some(host.parse()?);
    }
    if !path.is_empty() {
        config.db = database(path)?;
    }
    for (key, value) in query(options)? {
        if key == "url" {
            return Err(invalid("a URL has no option \"url\""));
        }
        if key.contains('@') {
            return Err(stray_password());
        }
        config.set(&key, &value)?;
    }
    Ok(())
}

fn stray_password() -> Error {
    invalid("write ?, /, & and @ in a password percent-encoded")
}

pub(super) fn database(text: &str) -> Result<i64> {
    let number: Option<u32> = text.parse().ok();
    number.map(i64::from).ok_or_else(|| {
        invalid("the path of a redis: URL is the number of a database, as in redis://host/0")
    })
}

pub(super) fn address(text: &str, default_port: u16) -> Result<Address> {
    let wrong = || invalid("an address is host:port, or [ipv6]:port; the port is 1 to 65535");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(wrong()),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Ok(default_port), |port| port.parse().map_err(|_| wrong()))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(plain) || port == 0 {
        return Err(wrong());
    }
    Ok(Address { host: host.to_owned(), port })
}
