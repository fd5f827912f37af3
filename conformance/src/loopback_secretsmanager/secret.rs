//! A secret: versions and the staging labels on them.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::clock::shown;
use super::failure::{Done, Failure};

/// The label of the version that is read.
pub(super) const CURRENT: &str = "AWSCURRENT";

/// The label of the version that was read before.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// The most labels of a secret.
const MAX_LABELS: usize = 20;

/// How long a version stays whatever comes after it.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The value of a version, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    Text(String),
    /// In base64.
    Binary(String),
}

impl Body {
    pub(super) fn field(&self) -> (&'static str, &str) {
        match self {
            Self::Text(text) => ("SecretString", text),
            Self::Binary(encoded) => ("SecretBinary", encoded),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) created: SystemTime,
    pub(super) body: Body,
    pub(super) stages: BTreeSet<String>,
}

/// Deleted, and gone for good after a while.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deletion {
    pub(super) at: SystemTime,
    pub(super) ends: SystemTime,
}

#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) arn: String,
    /// Its place in the order of creation.
    pub(super) order: u64,
    pub(super) created: SystemTime,
    pub(super) changed: SystemTime,
    pub(super) deletion: Option<Deletion>,
    /// Description, key and tags, told as they were given.
    pub(super) details: Map<String, Value>,
    /// In the order of creation.
    pub(super) versions: Vec<Version>,
}

impl Secret {
    /// Refuses a secret that is deleted.
    pub(super) fn alive(&self) -> Done<()> {
        if self.deletion.is_some() { Err(Failure::scheduled()) } else { Ok(()) }
    }

    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(super) fn staged(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.contains(stage))
    }

    /// Adds a version, which gets `stages`. `false`: it was there already, with the same value.
    pub(super) fn add(
        &mut self,
        id: &str,
        body: Body,
        stages: &[String],
        now: SystemTime,
        limit: Option<usize>,
    ) -> Done<bool> {
        if let Some(found) = self.version(id) {
            if found.body == body {
                return Ok(false);
            }
            let message = format!(
                "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                self.arn
            );
            return Err(Failure::new("ResourceExistsException", message));
        }
        let labels: BTreeSet<&String> =
            self.versions.iter().flat_map(|version| &version.stages).chain(stages).collect();
        if labels.len() > MAX_LABELS {
            let message =
                format!("You've exceeded the maximum number of {MAX_LABELS} staging labels.");
            return Err(Failure::new("LimitExceededException", message));
        }
        if let Some(limit) = limit {
            self.make_room(now, limit)?;
        }
        let version = Version { id: id.to_owned(), created: now, body, stages: BTreeSet::new() };
        self.versions.push(version);
        for stage in stages {
            self.attach(stage, id);
        }
        self.changed = now;
        Ok(true)
    }

    /// Removes what is over the limit, has no label and is older than a day.
    fn make_room(&mut self, now: SystemTime, limit: usize) -> Done<()> {
        while self.versions.len() >= limit {
            let old = self.versions.iter().position(|version| {
                version.stages.is_empty()
                    && now.duration_since(version.created).is_ok_and(|age| age >= KEPT)
            });
            match old {
                Some(at) => drop(self.versions.remove(at)),
                None => {
                    let message =
                        format!("You've reached the maximum of {limit} versions of the secret.");
                    return Err(Failure::new("LimitExceededException", message));
                }
            }
        }
        Ok(())
    }

    /// Puts a label on a version, off any other.
    pub(super) fn attach(&mut self, stage: &str, id: &str) {
        let from = self.staged(stage).map(|version| version.id.clone());
        if from.as_deref() == Some(id) {
            return;
        }
        for version in &mut self.versions {
            version.stages.remove(stage);
            if version.id == id {
                version.stages.insert(stage.to_owned());
            }
        }
        if let (CURRENT, Some(from)) = (stage, from) {
            self.attach(PREVIOUS, &from);
        }
    }

    pub(super) fn detach(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.remove(stage);
        }
    }

    /// The labels of each version that has any.
    pub(super) fn stages(&self) -> Value {
        let labelled = self.versions.iter().filter(|version| !version.stages.is_empty());
        let stages = labelled.map(|version| (version.id.clone(), json!(version.stages)));
        Value::Object(stages.collect())
    }

    /// What is told of it in lists and descriptions; versions stand under `stages`.
    pub(super) fn shown(&self, stages: &str) -> Map<String, Value> {
        let mut entry = self.details.clone();
        entry.insert("ARN".into(), json!(self.arn));
        entry.insert("Name".into(), json!(self.name));
        entry.insert("CreatedDate".into(), shown(self.created));
        entry.insert("LastChangedDate".into(), shown(self.changed));
        if let Some(deletion) = self.deletion {
            entry.insert("DeletedDate".into(), shown(deletion.at));
        }
        entry.insert(stages.into(), self.stages());
        entry
    }
}
