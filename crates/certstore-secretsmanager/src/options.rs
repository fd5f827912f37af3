//! Options by their names, as URLs and configuration files write them.

use std::time::Duration;

use certstore_core::options::{Options, duration, given, invalid, one_of};
use certstore_core::{Result, Secret};

use crate::config::{Deleting, SecretsManagerConfig};

pub(crate) const OPTIONS: Options<SecretsManagerConfig> = Options::new(
    "a Secrets Manager storage",
    &[
        ("prefix", |config, value| text(&mut config.prefix, value)),
        ("region", |config, value| some(&mut config.region, value)),
        ("endpoint", |config, value| some(&mut config.endpoint, value)),
        ("profile", |config, value| some(&mut config.profile, value)),
        ("access_key_id", |config, value| secret(&mut config.access_key_id, value)),
        ("secret_access_key", |config, value| secret(&mut config.secret_access_key, value)),
        ("session_token", |config, value| secret(&mut config.session_token, value)),
        ("kms_key_id", |config, value| some(&mut config.kms_key_id, value)),
        ("delete", |config, value| {
            let choices = [("force", Deleting::Force), ("recover", Deleting::Recover)];
            config.delete = one_of("delete", value, &choices)?;
            Ok(())
        }),
        ("recovery_window", |config, value| {
            number(&mut config.recovery_window, "recovery_window", value)
        }),
        ("max_versions_per_day", |config, value| {
            number(&mut config.max_versions_per_day, "max_versions_per_day", value)
        }),
        ("max_writes_per_second", |config, value| {
            number(&mut config.max_writes_per_second, "max_writes_per_second", value)
        }),
        ("max_lists_per_second", |config, value| {
            number(&mut config.max_lists_per_second, "max_lists_per_second", value)
        }),
        ("connect_timeout", |config, value| {
            time(&mut config.connect_timeout, "connect_timeout", value)
        }),
        ("timeout", |config, value| time(&mut config.timeout, "timeout", value)),
        ("retries", |config, value| number(&mut config.retries, "retries", value)),
        ("lease", |config, value| time(&mut config.lease, "lease", value)),
        ("poll_min", |config, value| time(&mut config.poll_min, "poll_min", value)),
        ("poll_max", |config, value| time(&mut config.poll_max, "poll_max", value)),
        ("handovers", |config, value| number(&mut config.handovers, "handovers", value)),
        ("ca_cert", |config, value| some(&mut config.ca_cert, value)),
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

fn number(option: &mut u32, key: &str, value: &str) -> Result<()> {
    *option = value.parse().map_err(|_| invalid(format!("{key} is a number without a unit")))?;
    Ok(())
}

fn time(option: &mut Duration, key: &str, value: &str) -> Result<()> {
    *option = duration(key, value)?;
    Ok(())
}
