//! The section `[storage.seal]`: with which keys values are sealed.

use std::path::{Path, PathBuf};

use certstore_core::Result;

use super::draft::{Section, unknown};
use super::table::{ConfigKey, ENV_SEAL_PREFIX, Kind};
use super::value::{Value, invalid};

const fn key(
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
#[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "read by the layer alone"))]
#[derive(Debug, Clone)]
pub(crate) enum KeysetPlace {
    File(PathBuf),
    Variable(String),
}

/// Whether a variable sets a key of this section, and which.
pub(super) fn key_of(variable: &str) -> Option<String> {
    variable.strip_prefix(ENV_SEAL_PREFIX).map(str::to_ascii_lowercase)
}

pub(super) fn is_key(name: &str) -> bool {
    SEAL_KEYS.iter().any(|key| key.name == name)
}

impl SealSettings {
    pub(super) fn read(section: &Section, base: Option<&Path>) -> Result<Self> {
        let (mut file, mut variable, mut store_id, mut accept_plaintext) =
            (None, None, None, false);
        for (name, raw) in section.keys() {
            let known = SEAL_KEYS.iter().find(|key| key.name == name).ok_or_else(|| {
                unknown("key", name, "in [storage.seal]", SEAL_KEYS.iter().map(|key| key.name))
            })?;
            let value = raw.read(known.kind, base, &format!("\"{name}\" in [storage.seal]"))?;
            match (known.name, value) {
                ("keyset", Value::Path(path)) => file = Some(path),
                ("keyset_env", Value::Text(name)) => variable = Some(name),
                ("store_id", Value::Text(id)) => store_id = Some(id),
                ("accept_plaintext", Value::Flag(flag)) => accept_plaintext = flag,
                (name, _) => {
                    return Err(invalid(format!(
                        "\"{name}\" in [storage.seal] is of another kind"
                    )));
                }
            }
        }
        let keys = match (file, variable) {
            (Some(file), None) => KeysetPlace::File(file),
            (None, Some(variable)) => KeysetPlace::Variable(variable),
            (None, None) => {
                return Err(invalid(
                    "[storage.seal] needs \"keyset\", a file that `certstore keyset create` makes, or \"keyset_env\"",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "[storage.seal] has \"keyset\" and \"keyset_env\"; remove one",
                ));
            }
        };
        Ok(Self { keys, store_id, accept_plaintext })
    }
}
