//! Lock records: a secret a lock, whose record is the current version. The first one makes the secret, which only one can.
//! Each later one is a new version, and a move of `AWSCURRENT` from the version that was read: a compare-and-swap. A
//! record is set free and never deleted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use certstore_core::lease::{Look, Record, Register, State, Stored, Swap};
use certstore_core::{Error, ErrorKind, Result, Version};

use crate::error::BACKEND;
use crate::secrets::{Body, CURRENT, Done, Found, Got};
use crate::vault::Vault;
use crate::versions;

/// The label of the version that was written last, and may become the record.
const CANDIDATE: &str = "certstore-candidate";

/// The records under one prefix.
pub(crate) struct SecretsManagerRegister {
    vault: Vault,
    told: AtomicBool,
    /// The acquisitions of this client that are not given back yet, by their secrets.
    held: Mutex<HashMap<String, u128>>,
}

impl SecretsManagerRegister {
    pub(crate) fn new(vault: &Vault) -> Self {
        Self { vault: vault.urgent(), told: AtomicBool::new(false), held: Mutex::default() }
    }

    /// Counts the version of a record. Only a new acquisition is refused for the count: what is held is renewed and given
    /// back while the service lets it.
    fn spend(&self, secret: &str, record: &Record) -> Result<()> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let acquires = record.state == State::Held && held.get(secret) != Some(&record.owner);
        if acquires {
            return self.vault.budget.spend(secret);
        }
        self.vault.budget.spend_anyway(secret);
        Ok(())
    }

    /// Remembers what a record that may be written means.
    fn note(&self, secret: &str, record: &Record) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match record.state {
            State::Held => drop(held.insert(secret.to_owned(), record.owner)),
            State::Free => drop(held.remove(secret)),
        }
    }

    async fn write(
        &self,
        secret: &str,
        expected: Option<&Version>,
        id: &str,
        record: &Record,
    ) -> Result<Done> {
        let body = Body::Text(record.encode());
        match expected {
            None => self.create(secret, id, &body).await,
            Some(version) => self.replace(secret, Some(version.as_str()), id, &body).await,
        }
    }

    async fn record(&self, secret: &str) -> Result<Option<Stored>> {
        match self.vault.secrets.get(secret, CURRENT).await? {
            Got::Found(found) => stored(&found).map(Some),
            Got::Missing | Got::Scheduled => Ok(None),
        }
    }

    /// The first record: makes the secret.
    async fn create(&self, secret: &str, id: &str, body: &Body) -> Result<Done> {
        let writing = self.vault.recent.begin(secret);
        let mut done = self.vault.secrets.create(secret, id, body).await?;
        if done == Done::Exists {
            // Made by hand, perhaps: without any version it is nobody's record, and stays as it is until somebody takes it.
            let found = self.vault.secrets.describe(secret).await?;
            if found.is_some_and(|found| found.current().is_none() && !found.scheduled) {
                done = self.replace(secret, None, id, body).await?;
            }
        }
        match done {
            Done::Yes => writing.stored(id),
            _ => writing.nothing(),
        }
        Ok(done)
    }

    /// A later record: adds the version, then moves the label to it. The first version of a secret has the label from the
    /// start, which is refused then as if it were another's: who reads the record finds its own.
    async fn replace(
        &self,
        secret: &str,
        from: Option<&str>,
        id: &str,
        body: &Body,
    ) -> Result<Done> {
        match self.vault.secrets.put(secret, id, body, Some(CANDIDATE)).await? {
            Done::Yes => {}
            other => return Ok(other),
        }
        self.vault.secrets.move_stage(secret, CURRENT, from, Some(id)).await
    }

    /// Says once that somebody waits: each look, and each record, costs more here than elsewhere.
    fn tell(&self, name: &str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::info!(
                lock = name,
                "a lock in Secrets Manager is waited for; these are slow and few a day: where many wait, lock through another \
                 backend: [storage.lock]"
            );
        }
    }
}

fn stored(found: &Found) -> Result<Stored> {
    let corrupt =
        |message: &'static str| Error::new(ErrorKind::Corrupt, message).with_backend(BACKEND);
    let text = match &found.body {
        Body::Text(text) => text,
        Body::Binary(_) => return Err(corrupt("the lock record is no text")),
    };
    Ok(Stored { record: Record::decode(text)?, version: Version::new(found.id.as_str()) })
}

#[async_trait]
impl Register for SecretsManagerRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        self.record(&self.vault.names.lock(name)?).await
    }

    async fn look(&self, name: &str, known: &Stored) -> Result<Look> {
        self.tell(name);
        let found = self.record(&self.vault.names.lock(name)?).await?;
        if found.as_ref().is_some_and(|found| found.version == known.version) {
            return Ok(Look::Unchanged);
        }
        Ok(Look::Changed(found))
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let secret = self.vault.names.lock(name)?;
        self.spend(&secret, record)?;
        let id = versions::of_record(record.write);
        let written = self.write(&secret, expected, &id, record).await;
        match &written {
            Ok(Done::Yes) => self.note(&secret, record),
            Err(error) if error.may_have_applied() => self.note(&secret, record),
            _ => {}
        }
        match written? {
            Done::Yes => return Ok(Swap::Done(Version::new(id))),
            Done::Refused | Done::Missing | Done::Exists => {}
            // Somebody wants the secret gone, but its lock is in use.
            Done::Scheduled => drop(self.vault.restore(&secret).await?),
            other => return Err(other.unexpected()),
        }
        Ok(Swap::Conflict)
    }

    /// As exact as lists are: of other clients' new locks it may not know for five minutes.
    async fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for secret in self.vault.all(&self.vault.names.locks()).await?.into_keys() {
            match self.vault.names.lock_of(&secret) {
                Some(name) => names.push(name),
                // Only its digest is in the secret's name.
                None => match self.record(&secret).await {
                    Ok(found) => names.extend(found.map(|found| found.record.name)),
                    Err(error) => tracing::warn!(secret, %error, "a lock record cannot be read"),
                },
            }
        }
        Ok(names)
    }
}
