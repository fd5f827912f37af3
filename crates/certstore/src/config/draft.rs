//! A config while it is put together from URL, file and environment; checked whole at the end.

use std::collections::BTreeMap;
use std::path::Path;

use certstore_core::options::nearest;
use certstore_core::{ErrorKind, Result, Secret};

use super::cache::CACHE_KEYS;
use super::own;
use super::seal::SEAL_KEYS;
use super::table::{
    self, BACKENDS, BackendInfo, ConfigKey, ENV_CACHE_PREFIX, ENV_LOCK_PREFIX, ENV_PREFIX,
    ENV_SEAL_PREFIX, KEYS, Kind,
};
use super::url::{self, StorageUrl};
use super::value::{Raw, Settings, Value, invalid};
use crate::services;

/// The sections as they were written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) storage: Section,
    pub(super) lock: Option<Section>,
    pub(super) seal: Option<Section>,
    pub(super) cache: Option<Section>,
}

/// One section: its keys, not yet checked.
#[derive(Debug, Default)]
pub(super) struct Section {
    keys: BTreeMap<String, Raw>,
}

impl Draft {
    /// Reads the TOML of a config file.
    pub(super) fn from_toml(text: &str) -> Result<Self> {
        let whole: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let message: Vec<_> = error.message().split_whitespace().collect();
            invalid(format!("line {line} is not TOML: {}", message.join(" ")))
        })?;
        let mut draft = Self::default();
        for (name, value) in whole {
            match (name.as_str(), value) {
                ("storage", toml::Value::Table(section)) => draft.read_storage(section)?,
                ("storage", _) => return Err(invalid("\"storage\" is a section: write [storage]")),
                (name, _) => return Err(unknown("key", name, "at the top level", ["storage"])),
            }
        }
        Ok(draft)
    }

    fn read_storage(&mut self, section: toml::Table) -> Result<()> {
        for (name, value) in section {
            match (name.as_str(), value) {
                ("lock", toml::Value::Table(lock)) => self.lock = Some(Section::of_table(lock)),
                ("lock", _) => return Err(invalid("\"lock\" is a section: write [storage.lock]")),
                ("seal", _) if !cfg!(feature = "seal") => {
                    return Err(invalid(
                        "this build cannot seal values; build it with the feature \"seal\", or remove [storage.seal]: nothing would be encrypted",
                    ));
                }
                ("seal", toml::Value::Table(seal)) => self.seal = Some(Section::of_table(seal)),
                ("seal", _) => return Err(invalid("\"seal\" is a section: write [storage.seal]")),
                ("cache", _) if !cfg!(feature = "cache") => {
                    return Err(invalid(
                        "this build keeps no copies; build it with the feature \"cache\", or remove [storage.cache]: nothing would be served in an outage",
                    ));
                }
                ("cache", toml::Value::Table(cache)) => self.cache = Some(Section::of_table(cache)),
                ("cache", _) => {
                    return Err(invalid("\"cache\" is a section: write [storage.cache]"));
                }
                (_, value) => self.storage.set(name, Raw::Toml(value)),
            }
        }
        Ok(())
    }

    /// Lays the variables `CERTSTORE_STORAGE_*` over it. One that names another place, as a backend or a URL, replaces
    /// what the file says of that section.
    pub(super) fn override_by(&mut self, variables: &BTreeMap<String, String>) -> Result<()> {
        let (mut storage, mut lock) = (BTreeMap::new(), BTreeMap::new());
        let (mut seal, mut cache) = (BTreeMap::new(), BTreeMap::new());
        for (variable, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            let (section, key) = if let Some(key) = key_of(variable, ENV_SEAL_PREFIX, SEAL_KEYS)
                && cfg!(feature = "seal")
            {
                (&mut seal, key)
            } else if let Some(key) = key_of(variable, ENV_CACHE_PREFIX, CACHE_KEYS)
                && cfg!(feature = "cache")
            {
                (&mut cache, key)
            } else if let Some(key) = key_of(variable, ENV_LOCK_PREFIX, KEYS)
                && !chooses_in_storage(variable, value)
            {
                (&mut lock, key)
            } else if let Some(key) = key_of(variable, ENV_PREFIX, KEYS) {
                (&mut storage, key)
            } else if variable.starts_with(ENV_PREFIX) {
                return Err(unknown_variable(variable));
            } else {
                continue;
            };
            section.insert(key.to_owned(), Raw::Text(value.clone()));
        }
        self.storage.override_by(storage);
        if !lock.is_empty() {
            self.lock.get_or_insert_default().override_by(lock);
        }
        for (section, over) in [(&mut self.seal, seal), (&mut self.cache, cache)] {
            if !over.is_empty() {
                section.get_or_insert_default().keys.extend(over);
            }
        }
        Ok(())
    }
}

/// The key that a variable sets, if it is one of a section whose variables start with `prefix`.
fn key_of(variable: &str, prefix: &str, table: &[ConfigKey]) -> Option<&'static str> {
    let name = variable.strip_prefix(prefix)?;
    table.iter().map(|key| key.name).find(|key| key.eq_ignore_ascii_case(name))
}

/// Whether a variable of two readings, `lock_mode` of `[storage]` and `mode` of `[storage.lock]`, has a word of the first.
fn chooses_in_storage(variable: &str, value: &str) -> bool {
    let key = key_of(variable, ENV_PREFIX, KEYS).and_then(table::key);
    key.is_some_and(|key| matches!(key.kind, Kind::Choice(words) if words.contains(&value)))
}

fn unknown_variable(variable: &str) -> certstore_core::Error {
    let sealing = SEAL_KEYS.iter().map(ConfigKey::seal_env);
    let caching = CACHE_KEYS.iter().map(ConfigKey::cache_env);
    let known: Vec<_> = KEYS.iter().map(ConfigKey::env).chain(sealing).chain(caching).collect();
    unknown("variable", variable, "in the environment", known.iter().map(String::as_str))
}

impl Section {
    /// A section of a URL alone.
    pub(super) fn from_url(url: &str) -> Self {
        let mut section = Self::default();
        section.set("url".to_owned(), Raw::Text(url.to_owned()));
        section
    }

    fn of_table(table: toml::Table) -> Self {
        Self { keys: table.into_iter().map(|(name, value)| (name, Raw::Toml(value))).collect() }
    }

    /// The keys, as they were written.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &Raw)> {
        self.keys.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn set(&mut self, name: String, value: Raw) {
        self.keys.insert(name, value);
    }

    fn override_by(&mut self, over: BTreeMap<String, Raw>) {
        if over.contains_key("url") || over.contains_key("backend") {
            self.keys.clear();
        }
        self.keys.extend(over);
    }

    /// Checks every key against the table. `name` is the section's, `base` the directory of relative paths.
    pub(super) fn check(mut self, name: &str, base: Option<&Path>) -> Result<Settings> {
        let url = match self.keys.remove("url") {
            None => None,
            Some(url) => {
                let text = url.as_text().map(|text| Secret::new(text.to_owned()));
                Some(text.ok_or_else(|| invalid(format!("\"url\" in [{name}] is to be a text")))?)
            }
        };
        let backend = self.backend(name, url.as_ref())?;
        let mut values =
            url.map_or_else(|| Ok(BTreeMap::new()), |url| of_url(backend, &url, base))?;
        for (key, value) in &self.keys {
            let known = table::key(key).ok_or_else(|| {
                unknown(
                    "key",
                    key,
                    &format!("in [{name}]"),
                    names_for(backend).chain(["lock", "seal", "cache"]),
                )
            })?;
            if !known.is_for(backend.name) {
                return Err(unknown(
                    "key",
                    key,
                    &format!("of backend \"{}\" in [{name}]", backend.name),
                    names_for(backend),
                ));
            }
            values.insert(
                known.name,
                value.read(known.kind, base, &format!("\"{key}\" in [{name}]"))?,
            );
        }
        let settings = Settings { backend, values };
        own::check(&settings, name)?;
        services::check(&settings)?;
        Ok(settings)
    }

    fn backend(&mut self, section: &str, url: Option<&Secret>) -> Result<&'static BackendInfo> {
        let by_url = url.map(backend_of).transpose()?;
        let Some(named) = self.keys.remove("backend") else {
            return by_url.map_or_else(|| available(&BACKENDS[1]), Ok);
        };
        let named = named
            .as_text()
            .ok_or_else(|| invalid(format!("\"backend\" in [{section}] is to be a text")))?;
        let known = table::backend(named).ok_or_else(|| {
            unknown("backend", named, &format!("in [{section}]"), BACKENDS.iter().map(|b| b.name))
        })?;
        match by_url {
            Some(by_url) if by_url != known => Err(invalid(format!(
                "[{section}] has the backend \"{named}\" and a URL of the backend \"{}\"; remove one",
                by_url.name
            ))),
            _ => available(known),
        }
    }
}

fn backend_of(url: &Secret) -> Result<&'static BackendInfo> {
    let scheme = url::scheme(url.expose())?;
    match BACKENDS.iter().find(|backend| backend.schemes.contains(&scheme.as_str())) {
        Some(known) => available(known),
        None => Err(unknown(
            "scheme",
            &scheme,
            "of a storage URL",
            BACKENDS.iter().flat_map(|backend| backend.schemes).copied(),
        )),
    }
}

fn available(backend: &'static BackendInfo) -> Result<&'static BackendInfo> {
    if backend.available {
        return Ok(backend);
    }
    Err(invalid(format!(
        "this build has no backend \"{0}\"; build it with the feature \"{0}\"",
        backend.name
    )))
}

/// The settings that the URL of a backend holds.
fn of_url(
    backend: &BackendInfo,
    url: &Secret,
    base: Option<&Path>,
) -> Result<BTreeMap<&'static str, Value>> {
    let (url, parameters) = own::take_parameters(url, backend)?;
    let mut values = if backend.is_service() {
        // A service reads the rest itself.
        BTreeMap::from([("url", Value::Secret(url))])
    } else {
        read_url(backend, StorageUrl::parse(url.expose())?, base)?
    };
    for (name, value) in parameters {
        if let Some(known) = table::key(&name) {
            let place = format!("parameter \"{name}\" of a {}: URL", backend.schemes[0]);
            values.insert(known.name, Raw::Text(value).read(known.kind, base, &place)?);
        }
    }
    Ok(values)
}

/// The settings that the URL of a backend without a server holds.
fn read_url(
    backend: &BackendInfo,
    url: StorageUrl,
    base: Option<&Path>,
) -> Result<BTreeMap<&'static str, Value>> {
    let mut values = BTreeMap::new();
    if url.user.is_some() || url.password.is_some() {
        return Err(invalid(format!("a {}: URL has no user and no password", backend.schemes[0])));
    }
    if url.authority.as_deref().is_some_and(|host| !matches!(host, "" | "localhost")) {
        return Err(invalid(format!(
            "a {0}: URL has no host; write {1}",
            backend.schemes[0], backend.example
        )));
    }
    match backend.name {
        "fs" if url.path.is_empty() => {
            return Err(invalid(format!("a file: URL needs a path; write {}", backend.example)));
        }
        "fs" => {
            let path = Raw::Text(url.path).read(Kind::Path, base, "the path of a file: URL")?;
            values.insert("path", path);
        }
        _ if matches!(url.path.as_str(), "" | "/") => {}
        _ => {
            return Err(invalid(format!(
                "a {0}: URL has no path; write {1}",
                backend.schemes[0], backend.example
            )));
        }
    }
    for (name, value) in url.query {
        let place = format!("of a {}: URL", backend.schemes[0]);
        let known = table::key(&name)
            .filter(|key| key.is_for(backend.name) && !key.backends.is_empty())
            .ok_or_else(|| unknown("parameter", &name, &place, names_for(backend)))?;
        values.insert(
            known.name,
            Raw::Text(value).read(known.kind, base, &format!("parameter \"{name}\" {place}"))?,
        );
    }
    Ok(values)
}

fn names_for(backend: &BackendInfo) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|key| key.is_for(backend.name)).map(|key| key.name)
}

pub(super) fn unknown<'a>(
    what: &str,
    given: &str,
    place: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> certstore_core::Error {
    let known: Vec<_> = known.into_iter().collect();
    let given: String = given.chars().take(60).flat_map(char::escape_debug).collect();
    let hint = match nearest(&given, known.iter().copied()) {
        Some(near) => format!("the nearest is \"{near}\""),
        None => format!("known are: {}", known.join(", ")),
    };
    certstore_core::Error::new(
        ErrorKind::InvalidConfig,
        format!("unknown {what} \"{given}\" {place}; {hint}"),
    )
}
