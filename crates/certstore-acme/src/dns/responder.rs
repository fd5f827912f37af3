//! A record, from the first note of it to the last.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, ErrorKind, Key, Storage, StorageKeys, one_line};
use certstore_instant_acme::PresentedChallenge;
use serde::{Deserialize, Serialize};

use super::lookups::{Dns, Lookups, Server};
use super::{DnsChallenge, DnsError, TxtRecord};

/// The pause between two looks at the servers of a zone.
const PAUSE: Duration = Duration::from_secs(2);

/// Answers DNS-01. What it makes is noted in the storage first, so that the next run removes what a crash has left.
///
/// The note lies at `acme/ISSUER/dns_records/NAME.json`, and is written under the lock of the name.
pub(crate) struct DnsResponder {
    challenge: DnsChallenge,
    lookups: Box<dyn Lookups>,
    storage: Arc<dyn Storage>,
    issuer: String,
    clock: Arc<dyn Clock>,
}

/// A record that is in a zone, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    zone: String,
    name: String,
    value: String,
}

impl DnsResponder {
    pub(crate) fn new(
        challenge: DnsChallenge,
        storage: Arc<dyn Storage>,
        issuer: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let lookups = Box::new(Dns::new(&challenge));
        Self { challenge, lookups, storage, issuer: issuer.to_owned(), clock }
    }

    /// Makes the record, and waits until all servers of the zone have it.
    pub(crate) async fn present(&self, shown: &PresentedChallenge) -> Result<(), DnsError> {
        let key = self.key(shown)?;
        let name = self.challenge.record_name(&shown.identifier);
        let zone = match self.challenge.provider.zone(&name).await? {
            Some(zone) => zone,
            None => self.lookups.zone(&name).await?,
        };
        let noted = Noted { zone, name, value: shown.key_authorization.dns_value() };
        let before = self.noted(&key).await?;
        let mut notes = self.without(before.into_iter().filter(|old| *old != noted)).await;
        notes.push(noted.clone());
        self.note(&key, &notes).await?;
        self.challenge.provider.present(&noted.zone, &self.record(&noted)).await?;
        self.wait(&noted).await
    }

    /// Removes the record, and whatever else is noted for the name.
    pub(crate) async fn remove(&self, shown: &PresentedChallenge) -> Result<(), DnsError> {
        let key = self.key(shown)?;
        let mut failed = None;
        let mut left = Vec::new();
        for noted in self.noted(&key).await? {
            let removed = self.challenge.provider.remove(&noted.zone, &self.record(&noted)).await;
            if let Err(error) = removed {
                failed = Some(error);
                left.push(noted);
            }
        }
        self.note(&key, &left).await?;
        failed.map_or(Ok(()), Err)
    }

    /// Removes what an earlier run has left; gives what could not be removed.
    async fn without(&self, left: impl Iterator<Item = Noted>) -> Vec<Noted> {
        let mut kept = Vec::new();
        for noted in left {
            let (zone, name) = (&noted.zone, &noted.name);
            match self.challenge.provider.remove(zone, &self.record(&noted)).await {
                Ok(()) => tracing::info!(zone, name, "a TXT record of an earlier run was removed"),
                Err(error) => {
                    tracing::warn!(
                        zone,
                        name,
                        error = one_line(&error),
                        "a TXT record of an earlier run could not be removed; the next run tries again"
                    );
                    kept.push(noted);
                }
            }
        }
        kept
    }

    async fn wait(&self, noted: &Noted) -> Result<(), DnsError> {
        let Some(timeout) = self.challenge.propagation_timeout else { return Ok(()) };
        self.clock.sleep(self.challenge.propagation_delay).await;
        let begun = self.clock.boottime();
        let servers = self.lookups.servers(&noted.zone).await?;
        if servers.is_empty() {
            return Err(DnsError::NoZone { name: noted.zone.clone() });
        }
        loop {
            let missing = self.missing(&servers, noted).await;
            let waited = self.clock.boottime().saturating_sub(begun);
            if missing.is_empty() {
                tracing::debug!(name = noted.name, ?waited, "the TXT record is on all servers");
                return Ok(());
            }
            if waited >= timeout {
                let (zone, name) = (noted.zone.clone(), noted.name.clone());
                return Err(DnsError::NotVisible { zone, name, servers: missing, waited });
            }
            self.clock.sleep(PAUSE.min(timeout - waited)).await;
        }
    }

    /// The servers that do not have the record, or do not answer.
    async fn missing(&self, servers: &[Server], noted: &Noted) -> Vec<String> {
        let mut missing = Vec::new();
        for server in servers {
            if !self.has(server, noted).await {
                missing.push(server.name.clone());
            }
        }
        missing
    }

    /// Whether a server has the record, at the first of its addresses that answers.
    async fn has(&self, server: &Server, noted: &Noted) -> bool {
        for address in &server.addresses {
            match self.lookups.values(*address, &noted.name).await {
                Ok(values) => return values.contains(&noted.value),
                Err(error) => {
                    tracing::debug!(server = server.name, %address, error = one_line(&error), "a server of the zone does not answer");
                }
            }
        }
        false
    }

    fn record(&self, noted: &Noted) -> TxtRecord {
        TxtRecord { ttl: self.challenge.ttl, ..TxtRecord::new(&*noted.name, &*noted.value) }
    }

    /// A wildcard and the name beneath it have records at one name, and locks and notes of their own.
    fn key(&self, shown: &PresentedChallenge) -> Result<Key, DnsError> {
        let name = StorageKeys::safe(&shown.name());
        let dir = StorageKeys::acme_ca_prefix(&self.issuer)?.join("dns_records")?;
        Ok(dir.join(&format!("{name}.json"))?)
    }

    async fn noted(&self, key: &Key) -> Result<Vec<Noted>, DnsError> {
        let json = match self.storage.load(key).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            loaded => loaded?,
        };
        Ok(serde_json::from_slice(&json).unwrap_or_else(|error| {
            tracing::error!(%key, %error, "what is stored here is no note of TXT records; it will be replaced");
            Vec::new()
        }))
    }

    async fn note(&self, key: &Key, notes: &[Noted]) -> Result<(), DnsError> {
        if notes.is_empty() {
            return Ok(self.storage.delete(key).await?);
        }
        let json = serde_json::to_vec(notes).map_err(|error| {
            certstore_core::Error::new(ErrorKind::Other, "a note cannot be written as JSON")
                .with_source(error)
        })?;
        self.storage.store(key, &json).await?;
        Ok(())
    }
}

impl fmt::Debug for DnsResponder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsResponder").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "responder_tests.rs"]
mod tests;
