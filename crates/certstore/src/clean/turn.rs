//! Whose turn it is: `last_clean.json`, as CertMagic writes it.

use std::time::Duration;

use certstore_core::{ErrorKind, Fence, Lock, Result, Storage, StorageKeys};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{CleanOptions, TurnTaken};

/// The file, with Go's names and order of fields. What others may have put beside it stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct LastClean {
    tls: Option<Cleaned>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cleaned {
    timestamp: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    instance_id: String,
}

/// When the storage was last cleaned. A file that cannot be read says nothing: cleaning must not stop for good, and writes
/// it anew.
pub(super) async fn last(storage: &dyn Storage) -> Result<Option<LastClean>> {
    let value = match storage.load(&StorageKeys::last_clean()?).await {
        Ok(value) => value,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let read = serde_json::from_slice(&value);
    Ok(read.inspect_err(|error| tracing::warn!(%error, "last_clean.json cannot be read")).ok())
}

/// The turn that somebody has taken already, unless the next one is due.
pub(super) fn not_due(last: Option<&LastClean>, options: &CleanOptions) -> Option<TurnTaken> {
    let cleaned = last?.tls.as_ref()?;
    let at = OffsetDateTime::parse(&cleaned.timestamp, &Rfc3339).ok()?;
    let since = OffsetDateTime::from(options.clock.wall()) - at;
    let interval = time::Duration::try_from(options.interval).unwrap_or(time::Duration::MAX);
    // A time further ahead than that is from a clock that was wrong: it would stop all cleaning until then.
    if since >= interval || since <= -interval {
        return None;
    }
    let left = Duration::try_from(interval - since).unwrap_or_default();
    Some(TurnTaken {
        last: cleaned.timestamp.clone(),
        instance_id: cleaned.instance_id.clone(),
        due_in_seconds: left.as_secs(),
    })
}

/// Leaves behind that the storage was cleaned.
pub(super) async fn record(
    storage: &dyn Storage,
    options: &CleanOptions,
    last: Option<LastClean>,
    turn: &Lock,
) -> Result<()> {
    let now = OffsetDateTime::from(options.clock.wall());
    let timestamp = now.format(&Rfc3339).map_err(invalid_clock)?;
    let cleaned = Cleaned { timestamp, instance_id: options.instance_id.clone() };
    let last = LastClean { tls: Some(cleaned), others: last.unwrap_or_default().others };
    let value = serde_json::to_vec(&last).map_err(invalid_clock)?;
    let key = StorageKeys::last_clean()?;
    if storage.capabilities().fence == Fence::None {
        turn.check()?;
        storage.store(&key, &value).await.map(drop)
    } else {
        storage.store_fenced(&key, &value, turn).await.map(drop)
    }
}

fn invalid_clock(
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> certstore_core::Error {
    certstore_core::Error::new(
        ErrorKind::Other,
        "the time of this cleaning cannot be written; set the clock",
    )
    .with_operation("clean")
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::{Cleaned, LastClean};

    #[test]
    fn the_file_is_go_s_byte_for_byte() {
        let timestamp = "2026-11-21T23:29:40.38167819Z".to_owned();
        let cleaned = Cleaned { timestamp: timestamp.clone(), instance_id: "a-1".into() };
        let file = LastClean { tls: Some(cleaned), ..LastClean::default() };
        assert_eq!(
            serde_json::to_string(&file).unwrap(),
            r#"{"tls":{"timestamp":"2026-11-21T23:29:40.38167819Z","instance_id":"a-1"}}"#
        );
        let cleaned = Cleaned { timestamp, instance_id: String::new() };
        let file = LastClean { tls: Some(cleaned), ..LastClean::default() };
        assert_eq!(
            serde_json::to_string(&file).unwrap(),
            r#"{"tls":{"timestamp":"2026-11-21T23:29:40.38167819Z"}}"#
        );
    }

    #[test]
    fn what_others_keep_in_the_file_stays() {
        let text = r#"{"tls":{"timestamp":"2026-11-21T23:29:40+01:00"},"dns":{"timestamp":"x"}}"#;
        let file: LastClean = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&file).unwrap(), text);
    }
}
