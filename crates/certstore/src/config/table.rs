//! The one table of backends and config keys: it drives parsing, the generated docs and the CLI's help.

/// A backend that a config can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendInfo {
    /// Its name as `backend = "..."`.
    pub name: &'static str,
    /// The scheme of its URLs.
    pub scheme: &'static str,
    /// A URL as an example.
    pub example: &'static str,
    /// Whether this build has it; otherwise the feature of that name is off.
    pub available: bool,
    /// What it is, in one line.
    pub doc: &'static str,
}

/// What a value of a key may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A path; a relative one starts at the config file's directory, else at the working directory.
    Path,
    /// A time: a number with one of the units ms, s, m, h, d, or several of them.
    Duration,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// The kind in words, as the docs name it.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Path => "path".into(),
            Self::Duration => "duration".into(),
            Self::Number => "number".into(),
            Self::Flag => "true or false".into(),
            Self::Choice(words) => words.join(" or "),
        }
    }
}

/// One key of the sections `[storage]` and `[storage.lock]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigKey {
    /// The key's name in TOML, as a URL parameter and, in capitals, in the environment.
    pub name: &'static str,
    /// The backends it belongs to; empty for all.
    pub backends: &'static [&'static str],
    /// What its value may be.
    pub kind: Kind,
    /// The default in words.
    pub default: &'static str,
    /// The unit of its value; empty where there is none.
    pub unit: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
}

impl ConfigKey {
    /// Whether the key belongs to this backend.
    #[must_use]
    pub fn is_for(&self, backend: &str) -> bool {
        self.backends.is_empty() || self.backends.contains(&backend)
    }

    /// The name of the environment variable that overrides it in `[storage]`.
    #[must_use]
    pub fn env(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.to_ascii_uppercase())
    }
}

/// What every environment variable of the section `[storage]` starts with.
pub const ENV_PREFIX: &str = "CERTSTORE_STORAGE_";

/// What every environment variable of the section `[storage.lock]` starts with.
pub const ENV_LOCK_PREFIX: &str = "CERTSTORE_STORAGE_LOCK_";

/// The backends, in the order of the docs.
pub const BACKENDS: &[BackendInfo] = &[
    BackendInfo {
        name: "memory",
        scheme: "memory",
        example: "memory:",
        available: true,
        doc: "the memory of this process: for tests and for trying out",
    },
    BackendInfo {
        name: "fs",
        scheme: "file",
        example: "file:///var/lib/certstore",
        available: cfg!(all(unix, feature = "fs")),
        doc: "files in a directory, in the layout of CertMagic and Caddy",
    },
];

/// The keys, in the order of the docs.
pub const KEYS: &[ConfigKey] = &[
    ConfigKey {
        name: "backend",
        backends: &[],
        kind: Kind::Choice(&["memory", "fs"]),
        default: "fs",
        unit: "",
        doc: "Where values are kept.",
    },
    ConfigKey {
        name: "url",
        backends: &[],
        kind: Kind::Text,
        default: "none",
        unit: "",
        doc: "Backend and settings as one URL; the other keys of the section refine it.",
    },
    ConfigKey {
        name: "path",
        backends: &["fs"],
        kind: Kind::Path,
        default: "`$XDG_DATA_HOME/certstore`, else `~/.local/share/certstore`, or the platform's equivalent",
        unit: "",
        doc: "The directory that holds the values.",
    },
    ConfigKey {
        name: "create",
        backends: &["fs"],
        kind: Kind::Flag,
        default: "true",
        unit: "",
        doc: "Whether a missing directory is created.",
    },
    ConfigKey {
        name: "io",
        backends: &["fs"],
        kind: Kind::Choice(&["inline", "pool"]),
        default: "inline",
        unit: "",
        doc: "Where reads and quick writes of single keys run: `inline` in the calling task, for a local disk; `pool` in threads, for a network mount.",
    },
    ConfigKey {
        name: "lease",
        backends: &["memory"],
        kind: Kind::Duration,
        default: "15s",
        unit: "",
        doc: "How long a lock outlives a holder that does not renew it; at least 100 ms.",
    },
    ConfigKey {
        name: "max_value",
        backends: &["memory"],
        kind: Kind::Number,
        default: "none",
        unit: "bytes",
        doc: "The largest value that is taken.",
    },
    ConfigKey {
        name: "handovers",
        backends: &["memory"],
        kind: Kind::Number,
        default: "8",
        unit: "",
        doc: "How often a lock goes to the next task of the same handle before others get their chance.",
    },
];

/// The backend of that name.
pub(super) fn backend(name: &str) -> Option<&'static BackendInfo> {
    BACKENDS.iter().find(|backend| backend.name == name)
}

/// The key of that name.
pub(super) fn key(name: &str) -> Option<&'static ConfigKey> {
    KEYS.iter().find(|key| key.name == name)
}

/// The one of `known` that is nearest to `given`, when it is near enough to be meant.
pub(super) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let score =
        |name: &str| strsim::jaro_winkler(&given.to_ascii_lowercase(), &name.to_ascii_lowercase());
    known
        .into_iter()
        .map(|name| (score(name), name))
        .filter(|(score, _)| *score > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
