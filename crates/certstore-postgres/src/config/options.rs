//! The options by their names.

use std::time::Duration;

use certstore_core::options::{Options, duration, flag, given, one_of};
use certstore_core::{Result, Secret};

use super::{Layout, LockClock, Pooler, PostgresConfig, WakeUp, invalid, url};
use crate::error::BACKEND;

/// Sets one option by its name.
pub(super) fn set(config: &mut PostgresConfig, key: &str, value: &str) -> Result<()> {
    // What has an @ may be part of a password: it is not shown.
    if key.contains('@') {
        return Err(invalid("no option of a PostgreSQL storage has an @ in its name"));
    }
    OPTIONS.set(config, key, value).map_err(|error| error.with_backend(BACKEND))
}

/// The names of all options.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.names()
}

const OPTIONS: Options<PostgresConfig> = Options::new(
    "a PostgreSQL storage",
    &[
        ("url", |config, value| {
            let (mut address, pairs) = url::parse(value)?;
            // A password that was set by itself stands until a URL brings another one.
            address.password = address.password.or_else(|| config.server.password.take());
            config.server = address;
            for (key, value) in pairs {
                if key == "url" {
                    return Err(invalid("a postgres: URL has no parameter \"url\""));
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
            config.schema = given(value);
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
            config.migrate = flag("migrate", value)?;
            Ok(())
        }),
        ("max_connections", |config, value| {
            let number = value.parse().ok().filter(|number| (1..=1000).contains(number));
            config.max_connections =
                number.ok_or_else(|| invalid("max_connections is a number from 1 to 1000"))?;
            Ok(())
        }),
        ("connect_timeout", |config, value| {
            config.connect_timeout = time("connect_timeout", value)?;
            Ok(())
        }),
        ("timeout", |config, value| {
            config.timeout = time("timeout", value)?;
            Ok(())
        }),
        ("lease", |config, value| {
            config.lease = time("lease", value)?;
            Ok(())
        }),
        ("poll_min", |config, value| {
            config.poll_min = Some(time("poll_min", value)?);
            Ok(())
        }),
        ("poll_max", |config, value| {
            config.poll_max = Some(time("poll_max", value)?);
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
            config.ca_cert = given(value);
            Ok(())
        }),
        // libpq's name for it.
        ("sslrootcert", |config, value| {
            config.ca_cert = given(value);
            Ok(())
        }),
    ],
);

/// A time that a limit or a pause can have.
fn time(key: &str, value: &str) -> Result<Duration> {
    let time = duration(key, value)?;
    if (Duration::from_millis(1)..=Duration::from_secs(86_400)).contains(&time) {
        return Ok(time);
    }
    Err(invalid(format!("{key} is a time from 1ms to 24h")))
}
