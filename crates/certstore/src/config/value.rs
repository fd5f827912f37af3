//! The values of a section, each checked against the table.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result, Secret};

use super::own;
use super::table::{BackendInfo, Kind};

/// A value as its kind says.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Secret(Secret),
    Path(PathBuf),
    Duration(Duration),
    Number(u64),
    Flag(bool),
}

/// A value as it was written. It may be a password: it has no `Debug` that shows it.
#[derive(Clone)]
pub(super) enum Raw {
    Text(String),
    Toml(toml::Value),
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw(..)")
    }
}

impl Raw {
    /// The text of it, where it is a text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Toml(toml::Value::String(text)) => Some(text),
            Self::Toml(_) => None,
        }
    }

    /// Reads it as `kind`; relative paths start at `base`. `what` names the key in errors.
    pub(super) fn read(&self, kind: Kind, base: Option<&Path>, what: &str) -> Result<Value> {
        let wrong = || invalid(format!("{what} is to be {}", expected(kind)));
        match (kind, self) {
            (Kind::Flag, Self::Toml(toml::Value::Boolean(flag))) => Ok(Value::Flag(*flag)),
            (Kind::Number, Self::Toml(toml::Value::Integer(number))) => {
                u64::try_from(*number).map(Value::Number).map_err(|_| wrong())
            }
            (Kind::Duration, Self::Toml(toml::Value::Integer(seconds))) => u64::try_from(*seconds)
                .map(|seconds| Value::Duration(Duration::from_secs(seconds)))
                .map_err(|_| wrong()),
            _ => read_text(self.as_text().ok_or_else(wrong)?, kind, base).ok_or_else(wrong),
        }
    }
}

fn read_text(text: &str, kind: Kind, base: Option<&Path>) -> Option<Value> {
    if text.is_empty() || text.contains('\0') {
        return None;
    }
    match kind {
        Kind::Text => Some(Value::Text(text.to_owned())),
        Kind::Secret => Some(Value::Secret(Secret::new(text.to_owned()))),
        Kind::Path => {
            Some(Value::Path(base.map_or_else(|| PathBuf::from(text), |base| base.join(text))))
        }
        Kind::Duration => crate::parse_duration(text).ok().map(Value::Duration),
        Kind::Number => text.parse().ok().map(Value::Number),
        Kind::Flag => text.parse().ok().map(Value::Flag),
        Kind::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
    }
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Secret => "a text that is not empty".into(),
        Kind::Path => "a path that is not empty".into(),
        Kind::Duration => "a duration, like \"250ms\", \"10s\" or \"12h\"".into(),
        Kind::Number => "a whole number".into(),
        Kind::Flag => "true or false".into(),
        Kind::Choice(words) => format!("one of: {}", words.join(", ")),
    }
}

/// A backend and the values that were given for it; what is not given has its default.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(super) backend: &'static BackendInfo,
    pub(super) values: BTreeMap<&'static str, Value>,
}

impl Settings {
    pub(crate) fn backend(&self) -> &'static BackendInfo {
        self.backend
    }

    /// Sets a key to a text, as the backend's own config reads it.
    #[cfg_attr(not(feature = "_services"), expect(dead_code, reason = "only services are moved"))]
    pub(crate) fn put_text(&mut self, name: &'static str, text: String) {
        self.values.insert(name, Value::Text(text));
    }

    pub(crate) fn path(&self, name: &str) -> Option<&Path> {
        match self.values.get(name) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        match self.values.get(name) {
            Some(Value::Duration(duration)) => Some(*duration),
            _ => None,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        match self.values.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.values.get(name) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Secret(secret)) => Some(secret.expose()),
            _ => None,
        }
    }

    /// Every value but the URL and what the backend does not read, as text, the way its own config reads its options.
    #[cfg_attr(
        not(feature = "_services"),
        expect(dead_code, reason = "only services read their options so")
    )]
    pub(crate) fn each(&self, mut set: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        let of_backend = |name: &str| name != "url" && !own::is_own(name, self.backend.name);
        for (name, value) in self.values.iter().filter(|(name, _)| of_backend(name)) {
            match value {
                Value::Text(text) => set(name, text)?,
                Value::Secret(secret) => set(name, secret.expose())?,
                Value::Path(path) => {
                    let path = path.to_str().ok_or_else(|| {
                        invalid(format!("the path \"{name}\" is no UTF-8; move the file"))
                    })?;
                    set(name, path)?;
                }
                Value::Duration(duration) => set(name, &format!("{}ms", duration.as_millis()))?,
                Value::Number(number) => set(name, &number.to_string())?,
                Value::Flag(flag) => set(name, if *flag { "true" } else { "false" })?,
            }
        }
        Ok(())
    }
}

pub(super) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
