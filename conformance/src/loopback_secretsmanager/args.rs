//! The parameters of a request, checked as the service's model says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::MAX_VALUE;
use super::failure::{Done, Failure};
use super::secret::Body;

/// The longest name, in characters.
const MAX_NAME: usize = 512;

/// A request's parameters.
#[derive(Debug, Default)]
pub(super) struct Args(Map<String, Value>);

impl Args {
    pub(super) fn parse(body: &[u8]) -> Done<Self> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            _ => Err(Failure::new("SerializationException", "The request is no JSON object.")),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Done<Option<&str>> {
        self.value(name)
            .map(|value| {
                value.as_str().ok_or_else(|| {
                    Failure::new("SerializationException", format!("{name} is no string."))
                })
            })
            .transpose()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number within the model's limits.
    pub(super) fn number(&self, name: &str, from: u64, to: u64) -> Done<Option<u64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| (from..=to).contains(number));
        number.map(Some).ok_or_else(|| {
            Failure::validation(format!(
                "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must have value \
                 between {from} and {to}"
            ))
        })
    }

    pub(super) fn list(&self, name: &str) -> Vec<&Value> {
        self.value(name)
            .and_then(Value::as_array)
            .map(|list| list.iter().collect())
            .unwrap_or_default()
    }

    /// A text of the model's length.
    pub(super) fn sized(&self, name: &str, from: usize, to: usize) -> Done<Option<&str>> {
        let text = self.text(name)?;
        match text {
            Some(text) if !(from..=to).contains(&text.len()) => Err(length(name, from, to)),
            text => Ok(text),
        }
    }

    pub(super) fn secret_id(&self) -> Done<&str> {
        self.sized("SecretId", 1, 2048)?.ok_or_else(|| {
            Failure::validation("1 validation error detected: 'secretId' must not be null")
        })
    }

    /// The name of a new secret.
    pub(super) fn name(&self) -> Done<&str> {
        let name = self.sized("Name", 1, MAX_NAME)?.ok_or_else(|| {
            Failure::validation("1 validation error detected: 'name' must not be null")
        })?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if name.chars().all(allowed) {
            return Ok(name);
        }
        Err(Failure::validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ))
    }

    /// The id of a new version, if the caller gives it.
    pub(super) fn token(&self) -> Done<Option<&str>> {
        self.sized("ClientRequestToken", 32, 64)
    }

    /// The value of a new version.
    pub(super) fn body(&self) -> Done<Option<Body>> {
        match (self.text("SecretString")?, self.text("SecretBinary")?) {
            (Some(_), Some(_)) => Err(Failure::parameter(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            )),
            (Some(text), None) if (1..=MAX_VALUE).contains(&text.len()) => {
                Ok(Some(Body::Text(text.to_owned())))
            }
            (None, Some(encoded)) => {
                let bytes = STANDARD.decode(encoded).map_err(|_| {
                    Failure::new("SerializationException", "SecretBinary is no base64.")
                })?;
                if (1..=MAX_VALUE).contains(&bytes.len()) {
                    return Ok(Some(Body::Binary(encoded.to_owned())));
                }
                Err(length("secretBinary", 1, MAX_VALUE))
            }
            (Some(_), None) => Err(length("secretString", 1, MAX_VALUE)),
            (None, None) => Ok(None),
        }
    }

    /// The staging labels that a new version is to have.
    pub(super) fn stages(&self) -> Done<Option<Vec<String>>> {
        if self.value("VersionStages").is_none() {
            return Ok(None);
        }
        let stages: Vec<String> = self
            .list("VersionStages")
            .iter()
            .filter_map(|stage| stage.as_str().map(str::to_owned))
            .collect();
        if (1..=20).contains(&stages.len())
            && stages.iter().all(|stage| (1..=256).contains(&stage.len()))
        {
            return Ok(Some(stages));
        }
        Err(length("versionStages", 1, 20))
    }
}

fn length(name: &str, from: usize, to: usize) -> Failure {
    Failure::validation(format!(
        "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must have length between {from} \
         and {to}"
    ))
}
