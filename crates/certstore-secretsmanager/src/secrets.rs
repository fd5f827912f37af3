//! The requests, each within its time and sent again where that does no harm. The one place that builds them.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use bytes::Bytes;
use certstore_core::{Error, OsRandom, Random as _, Result};
use tokio::time::Instant;

use crate::config::SecretsManagerConfig;
use crate::error::{Access, Answer, answered};
use crate::names::MAX_NAME;
use crate::rate::{Quota, Rate};
use crate::transport;

/// The label of the version that is the value.
pub(crate) const CURRENT: &str = "AWSCURRENT";

/// The label of the version that was the value before.
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";

/// The first and the longest pause before a request is sent again.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The service and how it is asked.
#[derive(Clone)]
pub(crate) struct Secrets {
    client: Client,
    kms_key_id: Option<Arc<str>>,
    timeout: Duration,
    retries: u32,
    rate: Arc<Rate>,
    /// When the call that the requests belong to is over; `None`: each has its own time.
    end: Option<Instant>,
    /// They do not wait for their turns.
    urgent: bool,
}

/// What a version holds.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Binary(Bytes),
    Text(String),
}

/// Not the content: it is a private key, mostly.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, length) = match self {
            Self::Binary(bytes) => ("Binary", bytes.len()),
            Self::Text(text) => ("Text", text.len()),
        };
        write!(f, "{kind}({length} bytes)")
    }
}

/// A version that was read.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) body: Body,
}

/// What became of a read of a value.
#[derive(Debug, Clone)]
pub(crate) enum Got {
    Found(Found),
    Missing,
    /// The secret is scheduled for deletion.
    Scheduled,
}

/// What is known of a secret without its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Described {
    /// The labels of each version that has any.
    pub(crate) stages: HashMap<String, Vec<String>>,
    pub(crate) changed: Option<SystemTime>,
    /// It is scheduled for deletion.
    pub(crate) scheduled: bool,
}

impl Described {
    /// The version that has this label.
    pub(crate) fn staged(&self, stage: &str) -> Option<&str> {
        let has = |stages: &&Vec<String>| stages.iter().any(|found| found == stage);
        self.stages.iter().find(|(_, stages)| has(stages)).map(|(id, _)| id.as_str())
    }

    pub(crate) fn current(&self) -> Option<&str> {
        self.staged(CURRENT)
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Done {
    Yes,
    /// There is no such secret, or no such version.
    Missing,
    /// There is one already.
    Exists,
    /// The secret is scheduled for deletion.
    Scheduled,
    /// The label is on another version.
    Refused,
    /// There are too many versions or labels.
    Limit(Answer),
}

/// How deleted secrets are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    Force,
    /// They can be restored for so many days.
    Window(u32),
}

/// Some secrets of a list, and where it goes on.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) secrets: Vec<(String, Described)>,
    pub(crate) next: Option<String>,
}

type Sdk<E> = SdkError<E, HttpResponse>;

impl Secrets {
    pub(crate) fn new(client: Client, config: &SecretsManagerConfig) -> Self {
        Self {
            client,
            kms_key_id: config.kms_key_id.as_deref().map(Arc::from),
            timeout: config.timeout,
            retries: config.retries,
            rate: Arc::new(Rate::new(config)),
            end: None,
            urgent: false,
        }
    }

    /// For the requests of one call, which is over in the time of one.
    pub(crate) fn one_call(&self) -> Self {
        Self { end: Some(Instant::now() + self.timeout), ..self.clone() }
    }

    /// For requests that each have their own time.
    pub(crate) fn after_call(&self) -> Self {
        Self { end: None, ..self.clone() }
    }

    /// For requests that do not wait for their turns.
    pub(crate) fn urgent(&self) -> Self {
        Self { urgent: true, ..self.clone() }
    }

    /// When the call that begins now, or is under way, is over.
    pub(crate) fn end(&self) -> Instant {
        self.end.unwrap_or_else(|| Instant::now() + self.timeout)
    }

    /// The version of a secret that has this label.
    pub(crate) async fn get(&self, secret: &str, stage: &str) -> Result<Got> {
        let request = self.client.get_secret_value().secret_id(secret).version_stage(stage);
        match self.call(Quota::Read, true, || request.clone().send()).await? {
            Ok(output) => {
                let body = match (output.secret_binary, output.secret_string) {
                    (Some(blob), _) => Body::Binary(blob.into_inner().into()),
                    (None, Some(text)) => Body::Text(text),
                    (None, None) => Body::Binary(Bytes::new()),
                };
                Ok(Got::Found(Found { id: output.version_id.unwrap_or_default(), body }))
            }
            Err(answer) if answer.is_missing() => Ok(Got::Missing),
            Err(answer) if answer.is_scheduled() => Ok(Got::Scheduled),
            Err(answer) => Err(answered(answer, Access::Read)),
        }
    }

    /// `None`: there is no such secret.
    pub(crate) async fn describe(&self, secret: &str) -> Result<Option<Described>> {
        let request = self.client.describe_secret().secret_id(secret);
        match self.call(Quota::Read, true, || request.clone().send()).await? {
            // Another name: what was asked for was taken for a part of it.
            Ok(output) if output.name.as_deref().is_some_and(|name| name != secret) => Ok(None),
            Ok(output) => Ok(Some(Described {
                changed: output.last_changed_date.as_ref().and_then(time),
                scheduled: output.deleted_date.is_some(),
                stages: output.version_ids_to_stages.unwrap_or_default(),
            })),
            Err(answer) if answer.is_missing() => Ok(None),
            Err(answer) => Err(answered(answer, Access::Read)),
        }
    }

    /// Makes a secret with its first version. Sent twice it is still one.
    pub(crate) async fn create(&self, secret: &str, id: &str, body: &Body) -> Result<Done> {
        let request = self.client.create_secret().name(secret).client_request_token(id);
        let request = request.set_kms_key_id(self.kms_key_id.as_deref().map(str::to_owned));
        let request = match body {
            Body::Binary(bytes) => request.secret_binary(Blob::new(bytes.to_vec())),
            Body::Text(text) => request.secret_string(text),
        };
        done(self.call(Quota::Create, true, || request.clone().send()).await?)
    }

    /// Adds a version, with the label `AWSCURRENT` or with another one. Sent twice it is still one.
    pub(crate) async fn put(
        &self,
        secret: &str,
        id: &str,
        body: &Body,
        stage: Option<&str>,
    ) -> Result<Done> {
        let request = self.client.put_secret_value().secret_id(secret).client_request_token(id);
        let request = request.set_version_stages(stage.map(|stage| vec![stage.to_owned()]));
        let request = match body {
            Body::Binary(bytes) => request.secret_binary(Blob::new(bytes.to_vec())),
            Body::Text(text) => request.secret_string(text),
        };
        done(self.call(Quota::Value, true, || request.clone().send()).await?)
    }

    /// Moves a label: a compare-and-swap on the version that has it, `None` where none has. Sent once.
    pub(crate) async fn move_stage(
        &self,
        secret: &str,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Done> {
        let request =
            self.client.update_secret_version_stage().secret_id(secret).version_stage(stage);
        let request = request
            .set_remove_from_version_id(from.map(str::to_owned))
            .set_move_to_version_id(to.map(str::to_owned));
        done(self.call(Quota::Value, false, || request.clone().send()).await?)
    }

    /// Deletes a secret; fine when there is none.
    pub(crate) async fn delete(&self, secret: &str, removal: Removal) -> Result<Done> {
        let request = self.client.delete_secret().secret_id(secret);
        let request = match removal {
            Removal::Force => request.force_delete_without_recovery(true),
            Removal::Window(days) => request.recovery_window_in_days(days.into()),
        };
        done(self.call(Quota::Delete, true, || request.clone().send()).await?)
    }

    pub(crate) async fn restore(&self, secret: &str) -> Result<Done> {
        let request = self.client.restore_secret().secret_id(secret);
        done(self.call(Quota::Restore, true, || request.clone().send()).await?)
    }

    /// Some of the secrets whose names begin so.
    pub(crate) async fn page(
        &self,
        prefix: &str,
        limit: Option<i32>,
        token: Option<String>,
    ) -> Result<Page> {
        // No name is longer than that, and the service refuses to look for one.
        if prefix.len() >= MAX_NAME {
            return Ok(Page::default());
        }
        let filter = (!prefix.is_empty()).then(|| {
            vec![Filter::builder().key(FilterNameStringType::Name).values(prefix).build()]
        });
        let request = self
            .client
            .list_secrets()
            .set_filters(filter)
            .max_results(limit.unwrap_or(100))
            .set_next_token(token);
        let sent = self.call(Quota::List, true, || request.clone().send()).await?;
        let output = sent.map_err(|answer| answered(answer, Access::Read))?;
        let secrets = output.secret_list.unwrap_or_default().into_iter().filter_map(|entry| {
            let described = Described {
                changed: entry.last_changed_date.as_ref().and_then(time),
                scheduled: entry.deleted_date.is_some(),
                stages: entry.secret_versions_to_stages.unwrap_or_default(),
            };
            // Servers may look at names in their own way.
            entry.name.filter(|name| name.starts_with(prefix)).map(|name| (name, described))
        });
        let secrets = secrets.collect();
        Ok(Page { secrets, next: output.next_token.filter(|token| !token.is_empty()) })
    }

    /// Sends a request in its turn, again after a refusal by rate, and after any other failure too where `twice` does no
    /// harm. What the service then says is the answer; the error is of a request without one, or of a service that fails.
    async fn call<T, E, F>(
        &self,
        quota: Quota,
        twice: bool,
        send: impl Fn() -> F,
    ) -> Result<std::result::Result<T, Answer>>
    where
        E: ProvideErrorMetadata + StdError + 'static,
        F: Future<Output = std::result::Result<T, Sdk<E>>>,
    {
        let access = quota.access();
        let end = self.end();
        let mut unclear = false;
        for attempt in 0.. {
            let left = end.saturating_duration_since(Instant::now());
            if let Err(error) = self.rate.turn(quota, self.urgent, left).await {
                return Err(error.with_may_have_applied(unclear));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // One that gets no answer leaves time for another, or for a look at what it did.
            let again = if twice { attempt < self.retries } else { self.end.is_some() };
            let limit = if again { left.min(self.timeout / 2) } else { left };
            let sent = tokio::time::timeout(limit, send()).await;
            let (error, again) = match sent {
                Ok(Ok(output)) => return Ok(Ok(output)),
                Ok(Err(error)) => match Answer::of(&error) {
                    Some(answer) if answer.is_throttled() => (answered(answer, access), true),
                    Some(answer) if answer.is_failure() => (answered(answer, access), twice),
                    Some(answer) => return Ok(Err(answer)),
                    None => (transport::failure(&error, access), twice),
                },
                Err(_) => (transport::too_late(self.timeout, access), twice),
            };
            unclear |= error.may_have_applied();
            let pause = back_off(attempt);
            if !again
                || !error.is_retryable()
                || attempt >= self.retries
                || Instant::now() + pause >= end
            {
                return Err(error.with_may_have_applied(unclear));
            }
            tokio::time::sleep(pause).await;
        }
        Err(transport::too_late(self.timeout, access).with_may_have_applied(unclear))
    }
}

/// Twice as long each time, and never the same for two clients.
pub(crate) fn back_off(attempt: u32) -> Duration {
    let (first, longest) = BACK_OFF;
    let pause = first.saturating_mul(1 << attempt.min(10)).min(longest);
    pause.mul_f64(0.5 + OsRandom.next_unit() / 2.0)
}

fn done<T>(sent: std::result::Result<T, Answer>) -> Result<Done> {
    let Err(answer) = sent else { return Ok(Done::Yes) };
    Ok(match answer {
        answer if answer.is_missing() => Done::Missing,
        answer if answer.is_existing() => Done::Exists,
        answer if answer.is_scheduled() => Done::Scheduled,
        answer if answer.is_refused_move() => Done::Refused,
        answer if answer.is_limit() => Done::Limit(answer),
        answer => return Err(answered(answer, Access::Write)),
    })
}

impl Done {
    /// What stands for an outcome that nobody expects.
    pub(crate) fn unexpected(self) -> Error {
        let code = match self {
            Self::Limit(answer) => return answered(answer, Access::Write),
            Self::Yes => "",
            Self::Missing => "ResourceNotFoundException",
            Self::Exists => "ResourceExistsException",
            Self::Scheduled => "InvalidRequestException",
            Self::Refused => "InvalidParameterException",
        };
        answered(Answer { status: 400, code: code.to_owned(), ..Answer::default() }, Access::Write)
    }
}

fn time(time: &DateTime) -> Option<SystemTime> {
    SystemTime::try_from(*time).ok()
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
