//! The sections of layers, `[storage.seal]` and `[storage.cache]`: each has a table of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use certstore_core::Result;

use super::draft::{Section, unknown};
use super::table::ConfigKey;
use super::value::Value;

/// The values of a section, each of the kind that its table says.
#[derive(Debug)]
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Reads `section` by `table`; `name` is the section's.
    pub(super) fn read(
        section: &Section,
        table: &'static [ConfigKey],
        name: &str,
        base: Option<&Path>,
    ) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (key, raw) in section.keys() {
            let known = table.iter().find(|known| known.name == key).ok_or_else(|| {
                let place = format!("in [{name}]");
                unknown("key", key, &place, table.iter().map(|known| known.name))
            })?;
            let value = raw.read(known.kind, base, &format!("\"{key}\" in [{name}]"))?;
            values.insert(known.name, value);
        }
        Ok(Self(values))
    }

    pub(super) fn is_zero(&self, key: &str) -> bool {
        matches!(self.0.get(key), Some(Value::Number(0)))
    }

    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        match self.0.remove(key) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.0.remove(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.0.remove(key) {
            Some(Value::Flag(flag)) => Some(flag),
            _ => None,
        }
    }

    pub(super) fn number(&mut self, key: &str) -> Option<u64> {
        match self.0.remove(key) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        match self.0.remove(key) {
            Some(Value::Duration(duration)) => Some(duration),
            _ => None,
        }
    }
}
