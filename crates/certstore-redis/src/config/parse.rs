//! Texts of options as values.

use std::borrow::Cow;
use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result, Secret};

use super::{Address, RedisConfig, SCHEME, SCHEME_TLS};
use crate::error::BACKEND;

pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

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
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
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
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key == "url" {
            return Err(invalid("a URL has no option \"url\""));
        }
        config.set(key, &decode(value)?)?;
    }
    Ok(())
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

pub(super) fn one_of<T: Copy>(key: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        invalid(format!("{key} is {}, not {:?}", names.join(" or "), shown(value)))
    })
}

/// Numbers, each with `ms`, `s`, `m`, `h` or `d`; a bare number is seconds.
pub(super) fn duration(key: &str, text: &str) -> Result<Duration> {
    let wrong = || {
        let shown = shown(text);
        invalid(format!("{key} is a duration like 250ms, 15s or 1h30m, not {shown:?}"))
    };
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" | "min" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(24 * 3600),
            _ => return Err(wrong()),
        };
        total =
            unit.checked_mul(number).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[end..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// What somebody wrote, short enough for a line.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Percent-decoding.
fn decode(text: &str) -> Result<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next())? << 4 | hex(bytes.next())?,
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| invalid("what a URL writes with % is no UTF-8"))
}

fn hex(digit: Option<u8>) -> Result<u8> {
    digit
        .and_then(|digit| char::from(digit).to_digit(16))
        .and_then(|value| u8::try_from(value).ok())
        .ok_or_else(|| {
            invalid("% in a URL is followed by two hexadecimal digits; write % itself as %25")
        })
}
