//! Options by their names, as URLs and configuration files write them.

use std::time::Duration;

use certstore_core::options::{Options, duration, flag, given, one_of};
use certstore_core::{Result, Secret};

use crate::config::{Probing, S3Config};

pub(crate) const OPTIONS: Options<S3Config> = Options::new(
    "an S3 storage",
    &[
        ("bucket", |config, value| text(&mut config.bucket, value)),
        ("prefix", |config, value| text(&mut config.prefix, value)),
        ("region", |config, value| some(&mut config.region, value)),
        ("endpoint", |config, value| some(&mut config.endpoint, value)),
        ("path_style", |config, value| {
            config.path_style = Some(flag("path_style", value)?);
            Ok(())
        }),
        ("profile", |config, value| some(&mut config.profile, value)),
        ("access_key_id", |config, value| secret(&mut config.access_key_id, value)),
        ("secret_access_key", |config, value| secret(&mut config.secret_access_key, value)),
        ("session_token", |config, value| secret(&mut config.session_token, value)),
        ("stamped", |config, value| {
            config.stamped = flag("stamped", value)?;
            Ok(())
        }),
        ("secretbox_key", |config, value| secret(&mut config.secretbox_key, value)),
        ("connect_timeout", |config, value| {
            time(&mut config.connect_timeout, "connect_timeout", value)
        }),
        ("timeout", |config, value| time(&mut config.timeout, "timeout", value)),
        ("lease", |config, value| time(&mut config.lease, "lease", value)),
        ("poll_min", |config, value| time(&mut config.poll_min, "poll_min", value)),
        ("poll_max", |config, value| time(&mut config.poll_max, "poll_max", value)),
        ("ca_cert", |config, value| some(&mut config.ca_cert, value)),
        ("probe", |config, value| {
            let choices = [("lazy", Probing::Lazy), ("open", Probing::Open)];
            config.probe = one_of("probe", value, &choices)?;
            Ok(())
        }),
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
