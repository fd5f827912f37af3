//! Options by their names, as URLs and configuration files write them.

use std::time::Duration;

use certstore_core::{Error, Result, Secret};

use crate::config::{Probing, S3Config};
use crate::error::invalid_config;

type Setter = fn(&mut S3Config, &str) -> Result<()>;

const OPTIONS: &[(&str, Setter)] = &[
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
];

pub(crate) fn set(config: &mut S3Config, key: &str, value: &str) -> Result<()> {
    match OPTIONS.iter().find(|(name, _)| *name == key) {
        Some((_, set)) => set(config, value),
        None => Err(unknown(key)),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all options")]
fn text(option: &mut String, value: &str) -> Result<()> {
    value.clone_into(option);
    Ok(())
}

/// An empty text means that the option is not given.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all options")]
fn some<T: From<String>>(option: &mut Option<T>, value: &str) -> Result<()> {
    *option = (!value.is_empty()).then(|| T::from(value.to_owned()));
    Ok(())
}

fn secret(option: &mut Option<Secret>, value: &str) -> Result<()> {
    some(option, value)
}

fn flag(key: &str, value: &str) -> Result<bool> {
    one_of(key, value, &[("true", true), ("false", false)])
}

fn one_of<T: Copy>(key: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        invalid_config(format!("{key} is {}, not {value:?}", names.join(" or ")))
    })
}

fn time(option: &mut Duration, key: &str, value: &str) -> Result<()> {
    let wrong = || {
        invalid_config(format!(
            "{key} is a number with a unit, like 250ms, 15s, 5m or 1h, not {value:?}"
        ))
    };
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number: u64 = value[..digits].parse().map_err(|_| wrong())?;
    let unit: u64 = match &value[digits..] {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    // A hundred years at most, so that no sum of times ever overflows.
    const MAX: u64 = 100 * 366 * 24 * 3_600_000;
    let millis = number.checked_mul(unit).filter(|millis| *millis <= MAX).ok_or_else(wrong)?;
    *option = Duration::from_millis(millis);
    Ok(())
}

fn unknown(key: &str) -> Error {
    let nearest = OPTIONS
        .iter()
        .map(|(name, _)| *name)
        .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)))
        .unwrap_or_default();
    invalid_config(format!(
        "there is no option {key:?} of an S3 storage; did you mean {nearest:?}?"
    ))
}

/// Percent-decoding of a part of a URL.
pub(crate) fn decode(text: &str) -> Result<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next())? << 4 | hex(bytes.next())?,
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| invalid_config("an s3: URL is UTF-8 when decoded"))
}

fn hex(digit: Option<u8>) -> Result<u8> {
    digit
        .and_then(|digit| char::from(digit).to_digit(16))
        .and_then(|value| u8::try_from(value).ok())
        .ok_or_else(|| {
            invalid_config(
                "% in a URL is followed by two hexadecimal digits; write % itself as %25",
            )
        })
}
