//! Options by their names, as URLs and configuration files write them.

use std::time::Duration;

use certstore_core::Result;
use certstore_core::options::{Options, duration, flag, given, invalid};

use crate::config::GcsConfig;

pub(crate) const OPTIONS: Options<GcsConfig> = Options::new(
    "a Google Cloud Storage",
    &[
        ("bucket", |config, value| text(&mut config.bucket, value)),
        ("prefix", |config, value| text(&mut config.prefix, value)),
        ("endpoint", |config, value| some(&mut config.endpoint, value)),
        ("credentials_file", |config, value| some(&mut config.credentials_file, value)),
        ("access_token", |config, value| some(&mut config.access_token, value)),
        ("anonymous", |config, value| {
            config.anonymous = flag("anonymous", value)?;
            Ok(())
        }),
        ("timeout", |config, value| time(&mut config.timeout, "timeout", value)),
        ("lease", |config, value| time(&mut config.lease, "lease", value)),
        ("poll_min", |config, value| time(&mut config.poll_min, "poll_min", value)),
        ("poll_max", |config, value| time(&mut config.poll_max, "poll_max", value)),
        ("handovers", |config, value| {
            let wrong = |_| invalid("handovers is a number from 0 to 1000");
            config.handovers = value.parse().map_err(wrong)?;
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

fn time(option: &mut Duration, key: &str, value: &str) -> Result<()> {
    *option = duration(key, value)?;
    Ok(())
}
