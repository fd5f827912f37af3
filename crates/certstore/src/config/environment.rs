//! What the environment of a process says of its storage.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{CONFIG_FILE, ENV_CONFIG, ENV_PREFIX};

/// The variables and the working directory that a config is discovered in. Tests bring their own.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        // A variable that is not UTF-8 is none of ours: ours hold names, numbers, and paths that TOML could hold.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self { variables: variables.collect(), directory: PathBuf::new() }
    }

    /// An environment of these variables and this working directory.
    #[must_use]
    pub fn new<N, V>(
        variables: impl IntoIterator<Item = (N, V)>,
        directory: impl AsRef<Path>,
    ) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, directory: directory.as_ref().to_owned() }
    }

    pub(super) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The config file that is in force; `None` when there is none.
    pub(super) fn config_file(&self) -> Option<PathBuf> {
        if let Some(named) = self.get(ENV_CONFIG) {
            return Some(self.directory.join(named));
        }
        let here = self.directory.join(CONFIG_FILE);
        here.try_exists().unwrap_or(true).then_some(here)
    }

    /// The directory of the default storage: `$XDG_DATA_HOME/certstore`, else `~/.local/share/certstore`, or what the
    /// platform has in their place.
    #[must_use]
    pub fn default_storage(&self) -> Option<PathBuf> {
        let data = if cfg!(windows) {
            PathBuf::from(self.get("LOCALAPPDATA")?)
        } else if let Some(data) =
            self.get("XDG_DATA_HOME").map(Path::new).filter(|path| path.is_absolute())
        {
            data.to_owned()
        } else if cfg!(target_os = "macos") {
            Path::new(self.get("HOME")?).join("Library/Application Support")
        } else {
            Path::new(self.get("HOME")?).join(".local/share")
        };
        Some(data.join("certstore"))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    /// Other programs keep secrets in the environment: only our variables are shown, and only by name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours: Vec<_> =
            self.variables.keys().filter(|name| name.starts_with(ENV_PREFIX)).collect();
        f.debug_struct("Environment")
            .field("ours", &ours)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
