use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use certstore::bundle::{BundleKeys, CertificateBundle};
use certstore_conformance::Gate;
use certstore_core::{Locker as _, StorageKeys};

use super::super::obtain::Room;
use super::super::test_support::Fleet;
use super::*;
use crate::{Certificate, Error, Good, InternalIssuer};

/// An authority that can revoke, or will not, and remembers what it was asked for.
#[derive(Debug, Clone)]
struct Revoking {
    inner: Arc<InternalIssuer>,
    storage: Arc<Gate>,
    refuses: bool,
    asked: Arc<Mutex<Vec<RevocationReason>>>,
}

impl Revoking {
    fn new(fleet: &Fleet, name: &str, refuses: bool) -> Self {
        let inner = InternalIssuer::new(fleet.storage.clone()).with_authority(name);
        let inner = Arc::new(inner.with_clock(fleet.clock.clone()));
        Self { inner, storage: fleet.storage.clone(), refuses, asked: Arc::default() }
    }
}

#[async_trait]
impl Issuer for Revoking {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn load(&self, subject: &str) -> Result<Option<Certificate>> {
        self.inner.load(subject).await
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        self.inner.obtain(subject, good).await
    }

    async fn revoke(&self, subject: &str, reason: RevocationReason) -> Result<Certificate> {
        self.asked.lock().unwrap().push(reason);
        if self.refuses {
            return self.inner.revoke(subject, reason).await;
        }
        let stored = self.inner.load(subject).await?.expect("there is one");
        let keys = BundleKeys::new(self.name(), subject)?;
        CertificateBundle::delete(&*self.storage, &keys).await?;
        Ok(stored)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_is_served_no_more_and_not_obtained_again_by_itself() {
    let fleet = Fleet::new();
    let issuer = Revoking::new(&fleet, "local", false);
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = told.clone();
    let node = fleet
        .builder()
        .issuer(issuer.clone())
        .on_event(move |event| {
            if let Event::Revoked { subject, reason } = event {
                telling.lock().unwrap().push(format!("{subject} {reason}"));
            }
        })
        .build();
    let _kept = node.maintain();
    node.manage(["a.example", "b.example"]).await.unwrap();
    let old = node.get_certificate("a.example").unwrap();
    node.revoke_cert("A.example", RevocationReason::Superseded).await.unwrap();
    assert_eq!(*issuer.asked.lock().unwrap(), [RevocationReason::Superseded]);
    assert_eq!(*told.lock().unwrap(), ["a.example superseded"]);
    // Whoever had read it before.
    node.serve(&old, Room::IsThere);
    assert!(node.get_certificate("a.example").is_none());
    tokio::time::sleep(std::time::Duration::from_secs(24 * 3600)).await;
    assert!(node.get_certificate("a.example").is_none());
    assert_eq!(node.managed_names(), ["b.example"]);
    // Whoever asks gets another, of another key.
    let new = node.obtain_cert("a.example").await.unwrap();
    let key = |of: &Certificate| of.certified_key().key.public_key().unwrap().to_vec();
    assert_ne!(key(&old), key(&new));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_revoked_stays_and_says_why() {
    let fleet = Fleet::new();
    let issuer = Revoking::new(&fleet, "local", true);
    let node = fleet.builder().issuer(issuer).build();
    node.manage(["a.example"]).await.unwrap();
    let revoked = node.revoke_cert("a.example", RevocationReason::KeyCompromise).await;
    let error = revoked.unwrap_err();
    assert!(matches!(error, Error::NotRevoked { .. }) && !error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("a.example is not revoked: the internal authority"));
    assert!(node.get_certificate("a.example").is_some());
    assert_eq!(node.managed_names(), ["a.example"]);
    let none = node.revoke_cert("b.example", RevocationReason::Unspecified).await.unwrap_err();
    assert!(matches!(none, Error::Storage(error) if error.kind() == ErrorKind::NotFound));
}

#[tokio::test(start_paused = true)]
async fn of_several_issuers_each_revokes_its_own() {
    let fleet = Fleet::new();
    let (first, second) =
        (Revoking::new(&fleet, "first", true), Revoking::new(&fleet, "second", false));
    for issuer in [&first, &second] {
        issuer.obtain("a.example", &|_| false).await.unwrap();
    }
    let node = fleet.builder().issuer(first).issuer(second.clone()).build();
    node.manage(["a.example"]).await.unwrap();
    let error = node.revoke_cert("a.example", RevocationReason::Unspecified).await.unwrap_err();
    assert!(matches!(error, Error::NotRevoked { .. }));
    assert!(second.load("a.example").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_managed_no_more_is_not_obtained_although_it_was_begun() {
    let fleet = Fleet::new();
    let (node, issuer) = fleet.node();
    let _kept = node.maintain();
    let lock = StorageKeys::issue_cert_lock("a.example").unwrap();
    let held = fleet.storage.lock(&lock).await.unwrap();
    node.manage_in_background(["a.example"]).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(issuer.asked.load(std::sync::atomic::Ordering::SeqCst), 1, "it waits for the lock");
    assert!(node.unmanage("a.example"));
    held.unlock().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(issuer.inner.load("a.example").await.unwrap().is_none());
    assert!(node.get_certificate("a.example").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_revocation_fails_is_managed_as_before_and_one_that_is_managed_again_meanwhile_no_more()
 {
    let fleet = Fleet::new();
    let (refusing, revoking) =
        (Revoking::new(&fleet, "local", true), Revoking::new(&fleet, "local", false));
    let node = fleet.builder().issuer(refusing).build();
    node.manage(["a.example"]).await.unwrap();
    let due = node.0.names.next_due();
    node.revoke_cert("a.example", RevocationReason::Superseded).await.unwrap_err();
    assert_eq!((node.0.names.next_due(), node.0.names.has_had("a.example")), (due, true));
    node.revoke_cert("b.example", RevocationReason::Superseded).await.unwrap_err();
    assert_eq!(node.0.names.next_due(), due);

    let node = fleet.builder().issuer(revoking).build();
    node.manage(["a.example"]).await.unwrap();
    let lock = StorageKeys::issue_cert_lock("a.example").unwrap();
    let held = fleet.storage.lock(&lock).await.unwrap();
    let again = {
        let node = node.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            node.manage_in_background(["a.example"]).unwrap();
            held.unlock().await.unwrap();
        })
    };
    node.revoke_cert("a.example", RevocationReason::Superseded).await.unwrap();
    again.await.unwrap();
    assert!(node.managed_names().is_empty());
}
