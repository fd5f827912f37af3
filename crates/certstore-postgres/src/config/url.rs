//! Reading `postgres:` URLs.

use certstore_core::{Result, Secret, options};

use super::address::{Address, SslMode};
use super::{SCHEMES, invalid};

/// The address in a URL, and the pairs of its query, decoded.
pub(super) fn parse(url: &str) -> Result<(Address, Vec<(String, String)>)> {
    // `postgres:` alone leaves everything to the environment.
    let rest = url
        .split_once(':')
        .filter(|(scheme, _)| SCHEMES.contains(scheme))
        .and_then(|(_, rest)| if rest.is_empty() { Some(rest) } else { rest.strip_prefix("//") })
        .ok_or_else(|| {
            invalid("a PostgreSQL storage is named by postgres://user@host:port/database")
        })?;
    if rest.contains('#') {
        return Err(invalid("write # in a postgres: URL as %23"));
    }
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = location.split_once('/').unwrap_or((location, ""));
    // What stands there may be the rest of a password.
    if database.contains('@') || query.contains('@') {
        return Err(invalid(
            "write @, / and ? in a password percent-encoded (%40, %2F, %3F), and @ in the rest of a postgres: URL as %40",
        ));
    }
    let (user_info, host_port) = match authority.rsplit_once('@') {
        Some((user_info, host_port)) => (Some(user_info), host_port),
        None => (None, authority),
    };
    let mut address = Address::default();
    if let Some(user_info) = user_info {
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user_info, None),
        };
        address.user = filled(user)?;
        address.password = password.map(decode).transpose()?.map(Secret::new);
    }
    (address.host, address.port) = host_and_port(host_port)?;
    address.database = filled(database)?;
    let mut pairs = Vec::new();
    for (key, value) in options::query(query)? {
        if key.contains(['@', '\0']) || value.contains('\0') {
            return Err(invalid(
                "the parameters of a postgres: URL have names without @, and no NUL",
            ));
        }
        if !libpq(&mut address, &key, &value)? {
            pairs.push((key, value));
        }
    }
    Ok((address, pairs))
}

fn host_and_port(text: &str) -> Result<(Option<String>, Option<u16>)> {
    if text.contains(',') {
        return Err(invalid("a postgres: URL names one host; put a list behind one name"));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) =
                rest.split_once(']').ok_or_else(|| invalid("the address in [ ] has no end"))?;
            (host, port.strip_prefix(':'))
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.filter(|port| !port.is_empty()).map(self::port).transpose()?;
    Ok((filled(host)?, port))
}

fn port(text: &str) -> Result<u16> {
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
        // Shows nothing of the URL: what stands there may be part of a password with an unescaped character.
        invalid(
            "the port of a postgres: URL is a number from 1 to 65535; write @ : / in a password as %40 %3A %2F",
        )
    })
}

/// One of libpq's names that are no option of ours; `false` when it is none.
fn libpq(address: &mut Address, key: &str, value: &str) -> Result<bool> {
    match key {
        "host" => address.host = Some(value.to_owned()),
        "port" => address.port = Some(port(value)?),
        "user" => address.user = Some(value.to_owned()),
        "password" => address.password = Some(Secret::new(value)),
        "dbname" => address.database = Some(value.to_owned()),
        "sslmode" => address.ssl_mode = Some(options::one_of(key, value, &SslMode::NAMES)?),
        "sslcert" => address.client_cert = Some(value.into()),
        "sslkey" => address.client_key = Some(value.into()),
        "application_name" => address.application_name = Some(value.to_owned()),
        _ => return Ok(false),
    }
    Ok(true)
}

fn filled(text: &str) -> Result<Option<String>> {
    Ok(Some(decode(text)?).filter(|text| !text.is_empty()))
}

/// Percent-decoding.
fn decode(text: &str) -> Result<String> {
    let decoded = options::decode(text)?;
    if decoded.contains('\0') {
        return Err(invalid("the parts of a postgres: URL are UTF-8 without NUL"));
    }
    Ok(decoded)
}
