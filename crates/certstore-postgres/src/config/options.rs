//! The options by their names.

use std::time::Duration;

use certstore_core::{Error, Result, Secret};

use super::{Layout, LockClock, Pooler, PostgresConfig, WakeUp, invalid, url};

type Setter = fn(&mut PostgresConfig, &str) -> Result<()>;

/// Sets one option by its name.
pub(super) fn set(config: &mut PostgresConfig, key: &str, value: &str) -> Result<()> {
    let Some((_, set)) = OPTIONS.iter().find(|(name, _)| *name == key) else {
        return Err(unknown(key));
    };
    set(config, value)
}

/// The names of all options.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

const OPTIONS: &[(&str, Setter)] = &[
    ("url", |config, value| {
        let (mut address, pairs) = url::parse(value)?;
        // A password that was set by itself stands until a URL brings another one.
        address.password = address.password.or_else(|| config.server.password.take());
        config.server = address;
        for (key, value) in pairs {
            if key == "url" {
                return Err(unknown(&key));
            }
            set(config, &key, &value)?;
        }
        Ok(())
    }),
    ("password", |config, value| {
        config.server.password = Some(Secret::new(value));
        Ok(())
    }),
    ("schema", |config, value| {
        config.schema = Some(value.to_owned()).filter(|schema| !schema.is_empty());
        config.check()
    }),
    ("table_prefix", |config, value| {
        config.table_prefix = value.to_owned();
        config.check()
    }),
    ("layout", |config, value| {
        let choices = [("certstore", Layout::Certstore), ("caddy", Layout::Caddy)];
        config.layout = one_of("layout", value, &choices)?;
        Ok(())
    }),
    ("migrate", |config, value| {
        config.migrate = one_of("migrate", value, &[("true", true), ("false", false)])?;
        Ok(())
    }),
    ("max_connections", |config, value| {
        let number = value.parse().ok().filter(|number| (1..=1000).contains(number));
        config.max_connections =
            number.ok_or_else(|| invalid("max_connections is a number from 1 to 1000"))?;
        Ok(())
    }),
    ("connect_timeout", |config, value| {
        config.connect_timeout = duration("connect_timeout", value)?;
        Ok(())
    }),
    ("timeout", |config, value| {
        config.timeout = duration("timeout", value)?;
        Ok(())
    }),
    ("lease", |config, value| {
        config.lease = duration("lease", value)?;
        Ok(())
    }),
    ("poll_min", |config, value| {
        config.poll_min = Some(duration("poll_min", value)?);
        Ok(())
    }),
    ("poll_max", |config, value| {
        config.poll_max = Some(duration("poll_max", value)?);
        Ok(())
    }),
    ("lock_clock", |config, value| {
        let choices = [("server", LockClock::Server), ("observe", LockClock::Observe)];
        config.lock_clock = one_of("lock_clock", value, &choices)?;
        Ok(())
    }),
    ("wake", |config, value| {
        let choices = [("listen", WakeUp::Listen), ("none", WakeUp::None)];
        config.wake = one_of("wake", value, &choices)?;
        Ok(())
    }),
    ("listen_url", |config, value| {
        let (address, pairs) = url::parse(value)?;
        if let Some((key, _)) = pairs.first() {
            return Err(invalid(format!(
                "listen_url has the server's address only; set {key:?} beside it"
            )));
        }
        config.listen = Some(address);
        Ok(())
    }),
    ("pooler", |config, value| {
        let choices = [("none", Pooler::None), ("transaction", Pooler::Transaction)];
        config.pooler = one_of("pooler", value, &choices)?;
        Ok(())
    }),
    ("ca_cert", |config, value| {
        config.ca_cert = Some(value.into());
        Ok(())
    }),
    // libpq's name for it.
    ("sslrootcert", |config, value| {
        config.ca_cert = Some(value.into());
        Ok(())
    }),
];

/// The choice of that name.
pub(super) fn one_of<T: Copy>(key: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        invalid(format!("{key} is {}, not {value:?}", names.join(" or ")))
    })
}

/// A number with a unit; a bare number is seconds.
fn duration(key: &str, value: &str) -> Result<Duration> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let unit = match unit.trim() {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let millis = number.parse().ok().and_then(|number: u64| number.checked_mul(unit));
    millis.filter(|millis| (1..=86_400_000).contains(millis)).map(Duration::from_millis).ok_or_else(
        || {
            invalid(format!(
                "{key} is a time from 1ms to 24h, a number with ms, s, m or h, not {value:?}"
            ))
        },
    )
}

fn unknown(key: &str) -> Error {
    let nearest = OPTIONS
        .iter()
        .map(|(name, _)| *name)
        .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)))
        .unwrap_or_default();
    invalid(format!(
        "there is no option {key:?} of a PostgreSQL storage; did you mean {nearest:?}?"
    ))
}
