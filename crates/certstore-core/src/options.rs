//! What the configurations of all backends share: options by name, and texts as values.
//!
//! For backend authors. A secret's text must not reach an error: no function here shows more than the option's name where
//! the text could be one.

use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// Sets one option of a configuration from its text.
pub type Setter<C> = fn(&mut C, &str) -> Result<()>;

/// The options of a backend's configuration, by the names that URLs and configuration files write.
///
/// ```
/// use certstore_core::options::{Options, duration};
/// #[derive(Default)]
/// struct Config { timeout: std::time::Duration }
/// const OPTIONS: Options<Config> = Options::new("a toy storage", &[("timeout", |config, value| {
///     config.timeout = duration("timeout", value)?;
///     Ok(())
/// })]);
/// let mut config = Config::default();
/// OPTIONS.set(&mut config, "timeout", "3s")?;
/// let error = OPTIONS.set(&mut config, "timeot", "3s").unwrap_err();
/// assert_eq!(error.to_string(), "there is no option \"timeot\" of a toy storage; did you mean \"timeout\"?");
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Options<C: 'static> {
    of: &'static str,
    table: &'static [(&'static str, Setter<C>)],
}

impl<C> Options<C> {
    /// The options of `of`, such as "a Redis storage".
    #[must_use]
    pub const fn new(of: &'static str, table: &'static [(&'static str, Setter<C>)]) -> Self {
        Self { of, table }
    }

    /// Sets the option `key`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: no such option, naming the nearest one, or a wrong value, naming the right ones.
    pub fn set(&self, config: &mut C, key: &str, value: &str) -> Result<()> {
        match self.table.iter().find(|(name, _)| *name == key) {
            Some((_, set)) => set(config, value),
            None => {
                let hint = match nearest(key, self.names()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("known are: {}", self.names().collect::<Vec<_>>().join(", ")),
                };
                let key = shown(key);
                Err(invalid(format!("there is no option \"{key}\" of {}; {hint}", self.of)))
            }
        }
    }

    /// The names of all options.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.table.iter().map(|(name, _)| *name)
    }
}

/// An [`ErrorKind::InvalidConfig`].
pub fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}

/// The choice of that name.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`], naming the choices.
pub fn one_of<T: Copy>(key: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        invalid(format!("{key} is {}, not \"{}\"", names.join(" or "), shown(value)))
    })
}

/// `true` or `false`.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] for anything else.
pub fn flag(key: &str, value: &str) -> Result<bool> {
    one_of(key, value, &[("true", true), ("false", false)])
}

/// A text that is not empty; an empty one means that the option is not given.
#[must_use]
pub fn given<T: From<String>>(value: &str) -> Option<T> {
    (!value.is_empty()).then(|| T::from(value.to_owned()))
}

/// A duration, as [`parse_duration`] reads it.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`], naming the option.
pub fn duration(key: &str, value: &str) -> Result<Duration> {
    parse_duration(value).map_err(|error| invalid(format!("{key}: {}", error.message())))
}

/// Parses a duration: numbers, each with one of the units `ms`, `s`, `m`, `h` or `d`. A bare number is seconds.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] when it is not of that form or over 100 years.
///
/// ```
/// use std::time::Duration;
/// use certstore_core::options::parse_duration;
/// assert_eq!(parse_duration("1h30m")?, Duration::from_secs(5400));
/// assert_eq!(parse_duration("250ms")?, Duration::from_millis(250));
/// assert!(parse_duration("soon").is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration> {
    let wrong = || {
        invalid(format!(
            "\"{}\" is no duration; write a number with a unit, like 250ms, 10s, 5m, 12h or 30d",
            shown(text)
        ))
    };
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let end = rest[digits..].find(|c: char| c.is_ascii_digit());
        let end = end.map_or(rest.len(), |end| digits + end);
        let unit = unit(&rest[digits..end]).ok_or_else(wrong)?;
        let sum = number.checked_mul(unit).and_then(|part| total.checked_add(part));
        total = sum.filter(|total| *total <= MAX_MILLIS).ok_or_else(wrong)?;
        rest = &rest[end..];
    }
    if text.trim().is_empty() { Err(wrong()) } else { Ok(Duration::from_millis(total)) }
}

/// The longest duration, in milliseconds: 100 years, so that no sum of times overflows.
const MAX_MILLIS: u64 = 100 * 366 * DAY;
const DAY: u64 = 24 * 3_600_000;

/// The unit in milliseconds.
fn unit(name: &str) -> Option<u64> {
    match name.trim() {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(DAY),
        _ => None,
    }
}

/// Percent-decodes a part of a URL ([RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)).
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: a `%` without two hexadecimal digits, or no UTF-8 once decoded. The text is not shown.
pub fn decode(text: &str) -> Result<String> {
    String::from_utf8(decode_bytes(text)?)
        .map_err(|_| invalid("a URL is UTF-8 once its % sequences are decoded"))
}

/// As [`decode`], for what may be any bytes.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: a `%` without two hexadecimal digits.
pub fn decode_bytes(text: &str) -> Result<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next())? << 4 | hex(bytes.next())?,
            other => other,
        });
    }
    Ok(decoded)
}

fn hex(digit: Option<u8>) -> Result<u8> {
    let value = digit.and_then(|digit| char::from(digit).to_digit(16));
    value.and_then(|value| u8::try_from(value).ok()).ok_or_else(|| {
        invalid("% in a URL is followed by two hexadecimal digits; write % itself as %25")
    })
}

/// The pairs of a URL's query, decoded.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`], as [`decode`], or a pair without `=`.
pub fn query(text: &str) -> Result<Vec<(String, String)>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| invalid("every parameter of a storage URL is written name=value"))?;
            Ok((decode(key)?, decode(value)?))
        })
        .collect()
}

/// The one of `known` that takes the fewest changes of a letter from `given`, if that is at most half of its letters.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let scored = known.into_iter().map(|name| (distance(&given, &name.to_ascii_lowercase()), name));
    let near = scored.filter(|(changes, name)| *changes <= name.chars().count().div_ceil(2));
    near.min_by_key(|(changes, _)| *changes).map(|(_, name)| name)
}

/// The fewest insertions, deletions and replacements of a character that make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

/// What somebody wrote, short enough for a line.
fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
