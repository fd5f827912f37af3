//! The one table of backends and config keys: it drives parsing, the generated docs and the CLI's help.

/// A backend that a config can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendInfo {
    /// Its name as `backend = "..."`.
    pub name: &'static str,
    /// The schemes of its URLs, the usual one first.
    pub schemes: &'static [&'static str],
    /// A URL as an example.
    pub example: &'static str,
    /// Whether this build has it; otherwise the feature of that name is off.
    pub available: bool,
    /// What it is, in one line.
    pub doc: &'static str,
}

impl BackendInfo {
    /// Whether it is a server elsewhere, whose crate reads URLs and options itself.
    pub(crate) fn is_service(&self) -> bool {
        !matches!(self.name, "memory" | "fs")
    }
}

/// What a value of a key may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown: a password, or a URL that may hold one.
    Secret,
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
            Self::Secret => "text (secret)".into(),
            Self::Path => "path".into(),
            Self::Duration => "duration".into(),
            Self::Number => "number".into(),
            Self::Flag => "true or false".into(),
            Self::Choice(words) => words.join(" or "),
        }
    }
}

/// One key of the sections `[storage]` and `[storage.lock]`, of `[storage.seal]`, or of `[storage.cache]`.
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

    /// The name of the environment variable that overrides it in `[storage.seal]`.
    #[must_use]
    pub fn seal_env(&self) -> String {
        format!("{ENV_SEAL_PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// The name of the environment variable that overrides it in `[storage.cache]`.
    #[must_use]
    pub fn cache_env(&self) -> String {
        format!("{ENV_CACHE_PREFIX}{}", self.name.to_ascii_uppercase())
    }
}

/// What every environment variable of the section `[storage]` starts with.
pub const ENV_PREFIX: &str = "CERTSTORE_STORAGE_";

/// What every environment variable of the section `[storage.lock]` starts with.
pub const ENV_LOCK_PREFIX: &str = "CERTSTORE_STORAGE_LOCK_";

/// What every environment variable of the section `[storage.seal]` starts with.
pub const ENV_SEAL_PREFIX: &str = "CERTSTORE_STORAGE_SEAL_";

/// What every environment variable of the section `[storage.cache]` starts with.
pub const ENV_CACHE_PREFIX: &str = "CERTSTORE_STORAGE_CACHE_";

/// The backends, in the order of the docs.
pub const BACKENDS: &[BackendInfo] = &[
    BackendInfo {
        name: "memory",
        schemes: &["memory"],
        example: "memory:",
        available: true,
        doc: "the memory of this process: for tests and for trying out",
    },
    BackendInfo {
        name: "fs",
        schemes: &["file"],
        example: "file:///var/lib/certstore",
        available: cfg!(all(unix, feature = "fs")),
        doc: "files in a directory, in the layout of CertMagic and Caddy",
    },
    BackendInfo {
        name: "redis",
        schemes: &["redis", "rediss"],
        example: "redis://127.0.0.1:6379/0?prefix=certs",
        available: cfg!(feature = "redis"),
        doc: "Redis or Valkey: one server, a cluster, or behind sentinels; `rediss` is TLS",
    },
    BackendInfo {
        name: "postgres",
        schemes: &["postgres", "postgresql"],
        example: "postgres://certs@127.0.0.1/certs?sslmode=verify-full",
        available: cfg!(feature = "postgres"),
        doc: "tables in PostgreSQL",
    },
    BackendInfo {
        name: "s3",
        schemes: &["s3"],
        example: "s3://bucket/prefix?region=eu-west-1",
        available: cfg!(feature = "s3"),
        doc: "objects in S3 or a store that speaks its protocol",
    },
    BackendInfo {
        name: "gcs",
        schemes: &["gs"],
        example: "gs://bucket/prefix",
        available: cfg!(feature = "gcs"),
        doc: "objects in Google Cloud Storage",
    },
    BackendInfo {
        name: "oss",
        schemes: &["oss"],
        example: "oss://bucket/prefix?region=cn-hangzhou",
        available: cfg!(feature = "oss"),
        doc: "objects in Alibaba Cloud OSS, as certmagic-oss keeps them",
    },
    BackendInfo {
        name: "secretsmanager",
        schemes: &["secretsmanager"],
        example: "secretsmanager://prefix?region=eu-west-1",
        available: cfg!(feature = "secretsmanager"),
        doc: "secrets in AWS Secrets Manager",
    },
];

pub use super::keys::KEYS;

/// The backend of that name.
pub(super) fn backend(name: &str) -> Option<&'static BackendInfo> {
    BACKENDS.iter().find(|backend| backend.name == name)
}

/// The key of that name.
pub(super) fn key(name: &str) -> Option<&'static ConfigKey> {
    KEYS.iter().find(|key| key.name == name)
}
