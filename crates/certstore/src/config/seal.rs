//! The section `[storage.seal]`: with which keys values are sealed.

use std::path::{Path, PathBuf};

use certstore_core::Result;

use super::draft::Section;
use super::layer::Values;
use super::table::{ConfigKey, Kind};
use super::value::invalid;

const NAME: &str = "storage.seal";

pub(super) const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> ConfigKey {
    ConfigKey { name, backends: &[], kind, default, unit: "", doc }
}

/// The keys of `[storage.seal]`, in the order of the docs.
pub const SEAL_KEYS: &[ConfigKey] = &[
    key(
        "keyset",
        Kind::Path,
        "none",
        "The file with the keyset in Tink's JSON, as `certstore keyset create` writes it; nobody but its owner may read it.",
    ),
    key(
        "keyset_env",
        Kind::Text,
        "none",
        "The name of the variable that holds the keyset, in the place of a file.",
    ),
    key(
        "store_id",
        Kind::Text,
        "none",
        "A name of this store that each value is bound to, so that a value of another store does not open here. Go's plugins know no such name and cannot open what was sealed with one.",
    ),
    key(
        "accept_plaintext",
        Kind::Flag,
        "false",
        "Whether values that are not sealed are read as they are: while a store is being sealed, as by `certstore seal`.",
    ),
];

/// The section `[storage.seal]`, checked.
#[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "read by the layer alone"))]
#[derive(Debug, Clone)]
pub(crate) struct SealSettings {
    pub(crate) keys: KeysetPlace,
    pub(crate) store_id: Option<String>,
    pub(crate) accept_plaintext: bool,
}

/// Where the keyset is.
#[cfg_attr(
    not(any(feature = "seal", all(unix, feature = "cache", feature = "fs"))),
    expect(dead_code, reason = "read by the layers alone")
)]
#[derive(Debug, Clone)]
pub(crate) enum KeysetPlace {
    File(PathBuf),
    Variable(String),
}

impl KeysetPlace {
    /// What `keyset` and `keyset_env` of a section say.
    pub(super) fn read(values: &mut Values, section: &str) -> Result<Option<Self>> {
        match (values.path("keyset"), values.text("keyset_env")) {
            (None, None) => Ok(None),
            (Some(file), None) => Ok(Some(Self::File(file))),
            (None, Some(variable)) => Ok(Some(Self::Variable(variable))),
            (Some(_), Some(_)) => {
                Err(invalid(format!("[{section}] has \"keyset\" and \"keyset_env\"; remove one")))
            }
        }
    }
}

impl SealSettings {
    pub(super) fn read(section: &Section, base: Option<&Path>) -> Result<Self> {
        let mut values = Values::read(section, SEAL_KEYS, NAME, base)?;
        let keys = KeysetPlace::read(&mut values, NAME)?.ok_or_else(|| {
            invalid(
                "[storage.seal] needs \"keyset\", a file that `certstore keyset create` makes, or \"keyset_env\"",
            )
        })?;
        let store_id = values.text("store_id");
        let accept_plaintext = values.flag("accept_plaintext").unwrap_or(false);
        Ok(Self { keys, store_id, accept_plaintext })
    }
}
