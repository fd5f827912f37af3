//! Options by their names, as URLs and configuration files write them.

use std::str::FromStr;
use std::time::Duration;

use certstore_core::options::{Options, duration, given, invalid, one_of};
use certstore_core::{Result, Secret};

use crate::config::{Addressing, LockMode, OssConfig, Signature};

pub(crate) const OPTIONS: Options<OssConfig> = Options::new(
    "an OSS storage",
    &[
        ("bucket", |config, value| text(&mut config.bucket, value)),
        ("prefix", |config, value| text(&mut config.prefix, value)),
        ("region", |config, value| some(&mut config.region, value)),
        ("endpoint", |config, value| some(&mut config.endpoint, value)),
        ("addressing", |config, value| {
            let choices = [
                ("auto", Addressing::Auto),
                ("path", Addressing::Path),
                ("virtual", Addressing::Virtual),
            ];
            config.addressing = one_of("addressing", value, &choices)?;
            Ok(())
        }),
        ("signature", |config, value| {
            let choices = [("v4", Signature::V4), ("v1", Signature::V1)];
            config.signature = one_of("signature", value, &choices)?;
            Ok(())
        }),
        ("access_key_id", |config, value| secret(&mut config.access_key_id, value)),
        ("access_key_secret", |config, value| secret(&mut config.access_key_secret, value)),
        ("session_token", |config, value| secret(&mut config.session_token, value)),
        ("ca_cert", |config, value| some(&mut config.ca_cert, value)),
        ("connect_timeout", |config, value| {
            time(&mut config.connect_timeout, "connect_timeout", value)
        }),
        ("timeout", |config, value| time(&mut config.timeout, "timeout", value)),
        ("lease", |config, value| {
            config.lease = Some(duration("lease", value)?);
            Ok(())
        }),
        ("poll_min", |config, value| time(&mut config.poll_min, "poll_min", value)),
        ("poll_max", |config, value| time(&mut config.poll_max, "poll_max", value)),
        ("handovers", |config, value| number(&mut config.handovers, "handovers", value)),
        ("lock_mode", |config, value| {
            let choices = [("append", LockMode::Append), ("certmagic-oss", LockMode::CertmagicOss)];
            config.lock_mode = one_of("lock_mode", value, &choices)?;
            Ok(())
        }),
        ("lock_expiration", |config, value| {
            time(&mut config.lock_expiration, "lock_expiration", value)
        }),
        ("lock_poll_interval", |config, value| {
            time(&mut config.lock_poll_interval, "lock_poll_interval", value)
        }),
        ("rotate_at", |config, value| number(&mut config.rotate_at, "rotate_at", value)),
    ],
);

#[expect(clippy::unnecessary_wraps, reason = "one signature for all options")]
fn text(option: &mut String, value: &str) -> Result<()> {
    value.clone_into(option);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all options")]
fn some<T: From<String>>(option: &mut Option<T>, value: &str) -> Result<()> {
    *option = given(value);
    Ok(())
}

fn secret(option: &mut Option<Secret>, value: &str) -> Result<()> {
    some(option, value)
}

fn time(option: &mut Duration, key: &str, value: &str) -> Result<()> {
    *option = duration(key, value)?;
    Ok(())
}

fn number<T: FromStr>(option: &mut T, key: &str, value: &str) -> Result<()> {
    *option = value.parse().map_err(|_| invalid(format!("{key} is a whole number")))?;
    Ok(())
}
