//! An object, and what an upload says of it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::Value;

use super::digest::Digests;
use super::refusal::Refusal;

/// The names and values of custom metadata together, as Google limits them:
/// <https://cloud.google.com/storage/quotas#objects>.
const MAX_METADATA: usize = 8 * 1024;

/// The longest name, in bytes: <https://cloud.google.com/storage/docs/objects#naming>.
const MAX_NAME: usize = 1024;

/// A stored object.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) generation: i64,
    pub(super) metageneration: i64,
    pub(super) created: SystemTime,
    pub(super) updated: SystemTime,
    pub(super) body: Bytes,
    pub(super) digests: Digests,
    pub(super) fields: Fields,
}

impl Object {
    pub(super) fn etag(&self) -> String {
        format!("C{:x}E{}", self.generation, self.metageneration)
    }
}

/// The metadata that a client gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// The fixed ones, by their names in JSON.
    pub(super) fixed: BTreeMap<&'static str, String>,
    /// The client's own.
    pub(super) custom: BTreeMap<String, String>,
}

/// The fixed metadata that clients may write.
const FIXED: [&str; 5] =
    ["contentType", "contentEncoding", "contentDisposition", "contentLanguage", "cacheControl"];

impl Fields {
    /// Changes what `resource` names; `null` removes.
    pub(super) fn patch(&mut self, resource: &Value) -> Result<(), Refusal> {
        for name in FIXED {
            match resource.get(name) {
                None => {}
                Some(Value::Null) => drop(self.fixed.remove(name)),
                Some(Value::String(text)) => drop(self.fixed.insert(name, text.clone())),
                Some(_) => return Err(Refusal::invalid(format!("{name} is no string"))),
            }
        }
        match resource.get("metadata") {
            None => {}
            Some(Value::Null) => self.custom.clear(),
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    match value {
                        Value::Null => drop(self.custom.remove(name)),
                        Value::String(text) => drop(self.custom.insert(name.clone(), text.clone())),
                        _ => return Err(Refusal::invalid("metadata are strings")),
                    }
                }
            }
            Some(_) => return Err(Refusal::invalid("metadata is an object")),
        }
        let size: usize = self.custom.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MAX_METADATA {
            return Err(Refusal::invalid("The metadata of the object is too large."));
        }
        Ok(())
    }

    pub(super) fn fixed(&self, name: &str) -> Option<&str> {
        self.fixed.get(name).map(String::as_str)
    }
}

/// What a name may be.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::new(400, "required", "Required"));
    }
    if name.len() > MAX_NAME {
        let text = "The maximum object length is 1024 characters, but got a name with more.";
        return Err(Refusal::invalid(text));
    }
    let forbidden = name.contains(['\r', '\n'])
        || matches!(name, "." | "..")
        || name.starts_with(".well-known/acme-challenge/");
    if forbidden {
        return Err(Refusal::invalid(format!("Disallowed unicode characters or name: {name:?}")));
    }
    Ok(())
}
