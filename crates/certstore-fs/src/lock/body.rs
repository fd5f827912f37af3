//! What stands in CertMagic's lock file.

use std::time::{Duration, SystemTime};

use certstore_core::FencingToken;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A lock file that is older is stale by CertMagic's rule: two refreshes were missed.
pub(super) const GO_STALE: Duration = Duration::from_secs(10);

/// CertMagic's two fields, and two of ours that it passes over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Json {
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    updated: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<u64>,
}

/// What a lock file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing: created and not yet written, or cut.
    Empty,
    /// Not what CertMagic writes.
    Garbage,
    /// When it was created and refreshed last, and whose it is.
    Stamps(Stamps),
}

/// The contents of a whole lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamps {
    pub(super) created: Option<SystemTime>,
    pub(super) updated: Option<SystemTime>,
    /// Set by certstore only. A left-over Go refresher drops it when it rewrites the file.
    pub(super) token: Option<FencingToken>,
}

impl Body {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        match bytes.trim_ascii_start().first() {
            None => return Self::Empty,
            Some(b'{') => {}
            Some(_) => return Self::Garbage,
        }
        // As Go's decoder: the first value counts, whatever follows it.
        let first = serde_json::Deserializer::from_slice(bytes).into_iter::<Json>().next();
        let Some(Ok(json)) = first else { return Self::Garbage };
        let (Ok(created), Ok(updated)) = (parse_time(json.created), parse_time(json.updated))
        else {
            return Self::Garbage;
        };
        let token = json.owner.and(json.token).map(FencingToken);
        Self::Stamps(Stamps { created, updated, token })
    }

    /// The token of the certstore process that wrote it.
    pub(super) fn token(&self) -> Option<FencingToken> {
        match self {
            Self::Stamps(stamps) => stamps.token,
            Self::Empty | Self::Garbage => None,
        }
    }

    /// How far the last refresh lies from `now`, by the wall clock, before or behind it.
    pub(super) fn age(&self, now: SystemTime) -> Age {
        let Self::Stamps(Stamps { created, updated, .. }) = self else { return Age::Unknown };
        match updated.or(*created) {
            None => Age::Past(Duration::MAX),
            Some(time) => match now.duration_since(time) {
                Ok(past) => Age::Past(past),
                Err(ahead) => Age::Ahead(ahead.duration()),
            },
        }
    }
}

/// How old a lock file says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Past(Duration),
    Ahead(Duration),
    Unknown,
}

impl Age {
    /// Whether Go would not call it stale for at least `margin` from now.
    pub(super) fn fresh_for(self, margin: Duration) -> bool {
        match self {
            Self::Past(past) => past.saturating_add(margin) <= GO_STALE,
            Self::Ahead(_) => true,
            Self::Unknown => false,
        }
    }

    /// Whether no live holder can have written it within the last ten seconds, given that clocks were not stepped.
    pub(super) fn is_far(self) -> bool {
        match self {
            Self::Past(distance) | Self::Ahead(distance) => distance > GO_STALE,
            Self::Unknown => true,
        }
    }
}

/// The whole body of a lock file of ours.
pub(super) fn write(
    created: SystemTime,
    updated: SystemTime,
    owner: &str,
    token: FencingToken,
) -> Vec<u8> {
    let json = Json {
        created: Some(rfc3339(created)),
        updated: Some(rfc3339(updated)),
        owner: Some(owner.to_owned()),
        token: Some(token.0),
    };
    let mut bytes = serde_json::to_vec(&json).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A time as Go reads it, in UTC. Always of the same length: a refresh in place leaves nothing of the old body.
pub(super) fn rfc3339(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let nanos = time.nanosecond();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// A time as Go writes it; its zero time is none.
fn parse_time(text: Option<String>) -> Result<Option<SystemTime>, time::error::Parse> {
    let Some(text) = text else { return Ok(None) };
    let time = OffsetDateTime::parse(&text, &Rfc3339)?;
    Ok((time.year() > 1).then(|| time.into()))
}

/// A time of a guard file.
pub(super) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(SystemTime::from)
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
