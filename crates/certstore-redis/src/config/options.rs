//! Options by name.

use certstore_core::Result;
use certstore_core::options::{Options, duration, flag, given, one_of};

use super::parse::{self, database};
use super::{Compression, Layout, Mode, RedisConfig, WakeUp};

pub(super) const OPTIONS: Options<RedisConfig> = Options::new(
    "a Redis storage",
    &[
        ("url", parse::url),
        ("mode", |config, value| {
            let choices = [
                ("single", Mode::Single),
                ("cluster", Mode::Cluster),
                ("sentinel", Mode::Sentinel),
            ];
            config.mode = one_of("mode", value, &choices)?;
            Ok(())
        }),
        ("nodes", |config, value| {
            let nodes = value.split(',').map(str::trim).filter(|node| !node.is_empty());
            config.nodes = nodes.map(str::parse).collect::<Result<_>>()?;
            Ok(())
        }),
        ("master", |config, value| {
            config.master = given(value);
            Ok(())
        }),
        ("db", |config, value| {
            config.db = database(value)?;
            Ok(())
        }),
        ("prefix", |config, value| {
            value.clone_into(&mut config.prefix);
            config.prefix_is_set = true;
            Ok(())
        }),
        ("layout", |config, value| {
            let choices = [("certstore", Layout::Certstore), ("caddy", Layout::Caddy)];
            config.layout = one_of("layout", value, &choices)?;
            if !config.prefix_is_set {
                config.prefix = config.layout.prefix().to_owned();
            }
            Ok(())
        }),
        ("username", |config, value| {
            config.username = given(value);
            Ok(())
        }),
        ("password", |config, value| {
            config.password = given(value);
            Ok(())
        }),
        ("sentinel_username", |config, value| {
            config.sentinel_username = given(value);
            Ok(())
        }),
        ("sentinel_password", |config, value| {
            config.sentinel_password = given(value);
            Ok(())
        }),
        ("tls", |config, value| {
            config.tls = flag("tls", value)?;
            Ok(())
        }),
        ("ca_cert", |config, value| {
            config.ca_cert = given(value);
            Ok(())
        }),
        ("client_cert", |config, value| {
            config.client_cert = given(value);
            Ok(())
        }),
        ("client_key", |config, value| {
            config.client_key = given(value);
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
        ("restart_grace", |config, value| {
            config.restart_grace = duration("restart_grace", value)?;
            Ok(())
        }),
        ("wake", |config, value| {
            config.wake = one_of("wake", value, &[("push", WakeUp::Push), ("none", WakeUp::None)])?;
            Ok(())
        }),
        ("compression", |config, value| {
            let choices = [
                ("none", Compression::None),
                ("flate", Compression::Flate),
                ("zlib", Compression::Zlib),
            ];
            config.compression = one_of("compression", value, &choices)?;
            Ok(())
        }),
        ("encryption_key", |config, value| {
            config.encryption_key = given(value);
            Ok(())
        }),
    ],
);
