//! Where values are kept: one TOML file or one URL, and the environment over it.

mod cache;
mod draft;
mod environment;
mod keys;
mod layer;
mod own;
mod reference;
mod seal;
mod table;
mod url;
mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result};

pub use cache::CACHE_KEYS;
pub use environment::Environment;
pub use reference::{config_help, config_reference};
pub use seal::SEAL_KEYS;
pub use table::{
    BACKENDS, BackendInfo, ConfigKey, ENV_CACHE_PREFIX, ENV_LOCK_PREFIX, ENV_PREFIX,
    ENV_SEAL_PREFIX, KEYS, Kind,
};

pub(crate) use cache::CacheSettings;
use draft::{Draft, Section};
pub(crate) use own::directory;
#[cfg(any(feature = "seal", all(unix, feature = "cache", feature = "fs")))]
pub(crate) use seal::KeysetPlace;
pub(crate) use seal::SealSettings;
pub(crate) use value::Settings;

/// The config file that is read from the working directory when none is named.
pub const CONFIG_FILE: &str = "certstore.toml";

/// The environment variable that names the config file.
pub const ENV_CONFIG: &str = "CERTSTORE_CONFIG";

/// Where values are kept, and who locks them. [`open`](crate::open) makes a storage of it.
///
/// Every key stands in the table [`KEYS`]; an unknown one is an error that names the nearest.
///
/// ```
/// use certstore::Config;
/// let config = Config::from_toml("[storage]\nbackend = \"memory\"")?;
/// assert_eq!(config.backend(), "memory");
/// let error = Config::from_toml("[storage]\nbackend = \"memory\"\nleese = \"1s\"").unwrap_err();
/// assert_eq!(error.to_string(), "unknown key \"leese\" in [storage]; the nearest is \"lease\"");
/// # Ok::<(), certstore::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) storage: Settings,
    pub(crate) lock: Option<Settings>,
    pub(crate) seal: Option<SealSettings>,
    pub(crate) cache: Option<CacheSettings>,
}

impl Config {
    /// The config that one URL holds, like `memory:` or `file:///var/lib/certstore`. The environment plays no part.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], naming what is wrong; the URL itself is not shown, as it may hold a password.
    ///
    /// ```
    /// use certstore::Config;
    /// assert_eq!(Config::from_url("memory:?lease=2s")?.backend(), "memory");
    /// # Ok::<(), certstore::Error>(())
    /// ```
    pub fn from_url(url: &str) -> Result<Self> {
        let storage = Section::from_url(url).check("storage", None)?;
        Ok(Self { storage, lock: None, seal: None, cache: None })
    }

    /// The config that a TOML text holds; relative paths start at the working directory.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], naming the key and the nearest right one.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::from_draft(Draft::from_toml(text)?, None)
    }

    /// The config of a TOML file; relative paths in it start at the file's directory.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: the file cannot be read, or as [`from_toml`](Self::from_toml).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = |error: Error| name_file(error, path);
        read_draft(path)
            .and_then(|draft| Self::from_draft(draft, base_of(path).as_deref()))
            .map_err(name)
    }

    /// The config that this process is meant to use: the file that `CERTSTORE_CONFIG` names, else `certstore.toml` in
    /// the working directory, else the default storage; over it the variables `CERTSTORE_STORAGE_*`.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file); [`ErrorKind::InvalidConfig`] also for a bad variable, and when there is no home
    /// directory to keep the default storage in.
    pub fn discover() -> Result<Self> {
        Self::discover_in(&Environment::of_process())
    }

    /// As [`discover`](Self::discover), in a given environment.
    ///
    /// # Errors
    /// As [`discover`](Self::discover).
    pub fn discover_in(environment: &Environment) -> Result<Self> {
        match environment.config_file() {
            Some(file) => Self::from_file_in(&file, environment),
            None => Self::from_layers(Draft::default(), None, environment),
        }
    }

    /// As [`from_file`](Self::from_file), with the variables `CERTSTORE_STORAGE_*` over it.
    ///
    /// # Errors
    /// As [`discover`](Self::discover).
    pub fn from_file_in(path: impl AsRef<Path>, environment: &Environment) -> Result<Self> {
        let path = path.as_ref();
        let draft = read_draft(path).map_err(|error| name_file(error, path))?;
        Self::from_layers(draft, base_of(path).as_deref(), environment)
            .map_err(|error| name_file(error, path))
    }

    /// The default storage of this environment alone: no config file, no `CERTSTORE_*`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when there is no home directory to keep it in.
    pub fn at_default(environment: &Environment) -> Result<Self> {
        let mut config = Self::from_draft(Draft::default(), None)?;
        let path = environment.default_storage().ok_or_else(no_home)?;
        config.storage.values.insert("path", value::Value::Path(path));
        Ok(config)
    }

    /// The name of the backend that keeps the values.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        self.storage.backend().name
    }

    /// The directory of the values, for the backend `fs`.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.storage.path("path")
    }

    /// The name of the backend that locks come from, where `[storage.lock]` names one.
    #[must_use]
    pub fn lock_backend(&self) -> Option<&'static str> {
        self.lock.as_ref().map(|lock| lock.backend().name)
    }

    /// Whether values are sealed, as `[storage.seal]` says.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.seal.is_some()
    }

    /// Whether it is to read only, as `read_only` says.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.storage.flag(own::READ_ONLY).unwrap_or(false)
    }

    /// Whether a local copy is kept, as `[storage.cache]` says.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.cache.is_some()
    }

    /// The same storage without the copy of `[storage.cache]`: for whoever wants to hear what the storage itself says, as
    /// the program `certstore` does, or runs beside the process that the copy belongs to.
    #[must_use]
    pub fn without_cache(&self) -> Self {
        Self { cache: None, ..self.clone() }
    }

    /// The directories that hold values and locks, for backends that have some.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.storage)
            .chain(&self.lock)
            .filter_map(|settings| settings.path("path"))
    }

    /// The same storage, but in a place of its own called `name`, beneath the configured one: to try things out on the
    /// real disk or service without touching what is there. `name` is made of `a-z`, `0-9`, `-`, `~`, `.` and `/`.
    ///
    /// On files it is a directory below the configured one; on Redis and S3 the prefix is longer by the name; on PostgreSQL
    /// the tables' names start with another prefix, and missing tables are created whatever `migrate` says. There is no copy
    /// of it, whatever `[storage.cache]` says.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a `name` of other characters, or with an empty, `.` or `..` component; when there is
    /// no home directory for a storage that names no path, or the prefix becomes too long; for a storage to read only.
    /// [`ErrorKind::Unsupported`] for PostgreSQL with `layout = "caddy"`: the names of Caddy's tables are fixed.
    pub fn beneath(&self, name: &str) -> Result<Self> {
        check_place(name)?;
        if self.is_read_only() {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "the config says read_only, and to try things out is to write; remove read_only for that",
            ));
        }
        let mut config = self.without_cache();
        for settings in config.sections_mut() {
            if settings.backend().name == "fs" {
                let path = match settings.path("path") {
                    Some(path) => path.join(name),
                    None => {
                        Environment::of_process().default_storage().ok_or_else(no_home)?.join(name)
                    }
                };
                settings.values.insert("path", value::Value::Path(path));
            } else {
                crate::services::move_beneath(settings, name)?;
            }
        }
        Ok(config)
    }

    /// The same storage with other times of locks, where it has leases: to try locks out without long waits.
    #[must_use]
    pub fn with_lease(&self, lease: Duration) -> Self {
        let mut config = self.clone();
        for settings in config.sections_mut() {
            let backend = settings.backend().name;
            let times = [("lease", lease), ("poll_min", lease / 200), ("poll_max", lease / 10)];
            for (name, time) in times {
                if table::key(name).is_some_and(|key| key.is_for(backend)) {
                    settings.values.insert(name, value::Value::Duration(time));
                }
            }
        }
        config
    }

    fn sections_mut(&mut self) -> impl Iterator<Item = &mut Settings> {
        std::iter::once(&mut self.storage).chain(&mut self.lock)
    }

    fn from_layers(
        mut draft: Draft,
        base: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self> {
        draft.override_by(environment.variables())?;
        let mut config = Self::from_draft(draft, base)?;
        for settings in [Some(&mut config.storage), config.lock.as_mut()].into_iter().flatten() {
            if settings.backend().name == "fs" && settings.path("path").is_none() {
                let path = environment.default_storage().ok_or_else(no_home)?;
                settings.values.insert("path", value::Value::Path(path));
            }
        }
        Ok(config)
    }

    fn from_draft(draft: Draft, base: Option<&Path>) -> Result<Self> {
        let lock = draft.lock.map(|section| section.check("storage.lock", base)).transpose()?;
        let seal = draft.seal.map(|section| SealSettings::read(&section, base)).transpose()?;
        let cache = draft.cache.map(|section| CacheSettings::read(&section, base)).transpose()?;
        let storage = draft.storage.check("storage", base)?;
        if let Some(cache) = &cache {
            cache.check_apart(std::iter::once(&storage).chain(&lock))?;
        }
        Ok(Self { storage, lock, seal, cache })
    }
}

/// What is written there is removed again, whole: no name may lead anywhere else.
fn check_place(name: &str) -> Result<()> {
    let plain = |part: &str| {
        let known =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '~' | '.');
        !part.trim_matches('.').is_empty() && part.chars().all(known)
    };
    if name.split('/').all(plain) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidConfig,
        "the name of a place is made of a-z, 0-9, -, ~ and ., in parts between single slashes",
    ))
}

fn read_draft(path: &Path) -> Result<Draft> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::InvalidConfig, "the file cannot be read").with_source(error)
    })?;
    Draft::from_toml(&text)
}

fn name_file(error: Error, path: &Path) -> Error {
    error
        .with_operation("read config")
        .with_subject(path.display().to_string().escape_debug().to_string())
}

/// The directory that relative paths of a config file start at.
fn base_of(file: &Path) -> Option<PathBuf> {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).map(Path::to_owned)
}

pub(crate) fn no_home() -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        "there is no home directory for the default storage; name a storage, like file:///var/lib/certstore",
    )
}

// They speak of paths, as only files have them.
#[cfg(test)]
#[cfg(all(unix, feature = "fs"))]
#[path = "config/config_tests.rs"]
mod tests;
