//! Options by name.

use certstore_core::{Error, Result, Secret};

use super::parse::{self, database, duration, invalid, one_of};
use super::{Compression, Layout, Mode, RedisConfig, WakeUp};

type Setter = fn(&mut RedisConfig, &str) -> Result<()>;

pub(super) fn set(config: &mut RedisConfig, key: &str, value: &str) -> Result<()> {
    let Some((_, set)) = OPTIONS.iter().find(|(name, _)| *name == key) else {
        return Err(unknown(key));
    };
    set(config, value)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

fn unknown(key: &str) -> Error {
    let nearest = OPTIONS
        .iter()
        .map(|(name, _)| *name)
        .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)))
        .unwrap_or_default();
    invalid(format!("there is no option {key:?} of a Redis storage; did you mean {nearest:?}?"))
}

const OPTIONS: &[(&str, Setter)] = &[
    ("url", parse::url),
    ("mode", |config, value| {
        let choices =
            [("single", Mode::Single), ("cluster", Mode::Cluster), ("sentinel", Mode::Sentinel)];
        config.mode = one_of("mode", value, &choices)?;
        Ok(())
    }),
    ("nodes", |config, value| {
        let nodes = value.split(',').map(str::trim).filter(|node| !node.is_empty());
        config.nodes = nodes.map(str::parse).collect::<Result<_>>()?;
        Ok(())
    }),
    ("master", |config, value| {
        config.master = text(value);
        Ok(())
    }),
    ("db", |config, value| {
        config.db = database(value)?;
        Ok(())
    }),
    ("prefix", |config, value| {
        value.clone_into(&mut config.prefix);
        Ok(())
    }),
    ("layout", |config, value| {
        let choices = [("certstore", Layout::Certstore), ("caddy", Layout::Caddy)];
        config.layout = one_of("layout", value, &choices)?;
        Ok(())
    }),
    ("username", |config, value| {
        config.username = text(value);
        Ok(())
    }),
    ("password", |config, value| {
        config.password = secret(value);
        Ok(())
    }),
    ("sentinel_username", |config, value| {
        config.sentinel_username = text(value);
        Ok(())
    }),
    ("sentinel_password", |config, value| {
        config.sentinel_password = secret(value);
        Ok(())
    }),
    ("tls", |config, value| {
        config.tls = one_of("tls", value, &[("true", true), ("false", false)])?;
        Ok(())
    }),
    ("ca_cert", |config, value| {
        config.ca_cert = text(value).map(Into::into);
        Ok(())
    }),
    ("client_cert", |config, value| {
        config.client_cert = text(value).map(Into::into);
        Ok(())
    }),
    ("client_key", |config, value| {
        config.client_key = text(value).map(Into::into);
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
        config.encryption_key = secret(value);
        Ok(())
    }),
];

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn secret(value: &str) -> Option<Secret> {
    (!value.is_empty()).then(|| Secret::new(value))
}
