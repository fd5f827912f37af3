use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use certstore::bundle::{BundleKeys, CertificateBundle};
use certstore_conformance::Gate;
use certstore_core::Storage as _;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::backoff::pause;
use super::super::test_support::{Fleet, HOUR};
use super::*;
use crate::{Config, Error, Good, InternalIssuer, Issuer, Result};

/// An authority that says when to renew: so long after the beginning of a certificate.
#[derive(Debug, Clone)]
struct Advising {
    inner: Arc<InternalIssuer>,
    storage: Arc<Gate>,
    /// `None`: it does not answer.
    selected: Arc<Mutex<Option<Duration>>>,
    panics: bool,
    asked: Arc<AtomicUsize>,
}

impl Advising {
    fn new(fleet: &Fleet, selected: Option<Duration>) -> Self {
        let inner = InternalIssuer::new(fleet.storage.clone()).with_clock(fleet.clock.clone());
        let selected = Arc::new(Mutex::new(selected));
        let storage = fleet.storage.clone();
        Self { inner: Arc::new(inner), storage, selected, panics: false, asked: Arc::default() }
    }

    fn node(&self, fleet: &Fleet) -> Config {
        fleet.builder().issuer(self.clone()).build()
    }
}

#[async_trait]
impl Issuer for Advising {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn load(&self, subject: &str) -> Result<Option<Certificate>> {
        self.inner.load(subject).await
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        self.inner.obtain(subject, good).await
    }

    fn gives_renewal_info(&self) -> bool {
        true
    }

    async fn refresh_renewal_info(&self, subject: &str) -> Result<Option<SystemTime>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "as asked for");
        let selected = *self.selected.lock().unwrap();
        let Some(selected) = selected else {
            return Err(Error::Refused { name: subject.to_owned(), why: "it does not say" });
        };
        let keys = BundleKeys::new(self.name(), subject)?;
        let bundle = CertificateBundle::load(&*self.storage, &keys).await?;
        let stored = self.load(subject).await?.unwrap();
        let text = |time: SystemTime| OffsetDateTime::from(time).format(&Rfc3339).unwrap();
        let (time, again) = (stored.not_before() + selected, stored.not_before() + selected / 2);
        let again = if again > stored.not_before() + HOUR { again } else { time + HOUR };
        let info = json!({
            "suggestedWindow": {"start": text(time), "end": text(time)},
            "_retryAfter": text(again),
            "_selectedTime": text(time),
        });
        let metadata = bundle.metadata().clone().with_issuer_data(json!({"renewal_info": info}));
        self.storage.store(keys.metadata(), metadata.to_json()?.as_bytes()).await?;
        Ok(Some(again))
    }
}

/// How long after the beginning of the first certificate another one is served.
async fn renewed_after(fleet: &Fleet, node: &Config) -> Duration {
    let first = node.get_certificate("a.example").unwrap();
    for _ in 0..(13 * 60) {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if node.get_certificate("a.example").unwrap() != first {
            return fleet.now().duration_since(first.not_before()).unwrap();
        }
    }
    panic!("it is not renewed");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_when_its_ca_says_earlier_or_later() {
    // By the policy it would be after eight hours of twelve; eleven and a half are too late.
    for (said, hours) in [(3 * HOUR, 3), (10 * HOUR, 10), (23 * HOUR / 2, 11)] {
        let fleet = Fleet::new();
        let nodes = [(); 3].map(|()| Advising::new(&fleet, Some(said)).node(&fleet));
        let _kept = nodes.each_ref().map(Config::maintain);
        for node in &nodes {
            node.manage(["a.example"]).await.unwrap();
        }
        let after = renewed_after(&fleet, &nodes[0]).await;
        assert_eq!(after.as_secs() / 3600, hours, "{after:?}");
        tokio::time::sleep(Duration::from_secs(120)).await;
        let served = nodes.each_ref().map(|node| node.get_certificate("a.example").unwrap());
        assert!(served.iter().all(|one| *one == served[0]), "one renewal for all");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ca_that_changes_its_mind_is_heard_when_it_wants_to_be_asked() {
    let fleet = Fleet::new();
    let issuer = Advising::new(&fleet, Some(8 * HOUR));
    let node = issuer.node(&fleet);
    let _kept = node.maintain();
    node.manage(["a.example"]).await.unwrap();
    tokio::time::sleep(HOUR).await;
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    let served = node.get_certificate("a.example").unwrap();
    assert!(served.renewal_info().is_some(), "what is served knows as well");
    // It is asked again after four hours, and then says: long ago.
    *issuer.selected.lock().unwrap() = Some(Duration::ZERO);
    let after = renewed_after(&fleet, &node).await;
    assert_eq!(after.as_secs() / 3600, 4, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ca_that_does_not_say_is_asked_with_growing_pauses_and_the_policy_holds() {
    let fleet = Fleet::new();
    let issuer = Advising::new(&fleet, None);
    let node = issuer.node(&fleet);
    let _kept = node.maintain();
    node.manage(["a.example"]).await.unwrap();
    let after = renewed_after(&fleet, &node).await;
    assert_eq!(after.as_secs() / 3600, 8, "{after:?}");
    let asked = issuer.asked.load(Ordering::SeqCst);
    assert!((8..20).contains(&asked), "asked {asked} times in eight hours");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_waits_after_a_failure_is_not_tried_for_a_question() {
    let fleet = Fleet::new();
    let names = super::super::names::ManagedNames::default();
    let now = fleet.now();
    names.add("a.example", false);
    assert!(!names.is_resting("a.example", now));
    names.failed("a.example", now, None, pause);
    names.ask("a.example", Some(now));
    assert_eq!(names.take_due(now), ["a.example"]);
    assert!(names.is_to_ask("a.example", now) && names.is_resting("a.example", now));
    assert!(!names.is_resting("a.example", now + Duration::from_secs(60)));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_panics_when_it_is_asked_is_asked_again_after_a_pause() {
    let fleet = Fleet::new();
    let issuer = Advising { panics: true, ..Advising::new(&fleet, None) };
    let node = issuer.node(&fleet);
    let _kept = node.maintain();
    node.manage(["a.example"]).await.unwrap();
    tokio::time::advance(2 * SHORTEST).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn who_renews_without_maintenance_asks_before_and_keeps_to_the_answer() {
    let fleet = Fleet::new();
    let issuer = Advising::new(&fleet, Some(3 * HOUR));
    let node = issuer.node(&fleet);
    let first = node.obtain_cert("a.example").await.unwrap();
    let again = node.refresh_renewal_info("A.example").await.unwrap();
    assert_eq!(again, Some(first.not_before() + 3 * HOUR / 2));
    let stored = node.cache_managed_certificate("a.example").await.unwrap();
    assert_eq!(stored.due(node.renewal()), first.not_before() + 3 * HOUR);
    assert_eq!(node.obtain_cert("a.example").await.unwrap(), first, "it is not time yet");
    tokio::time::sleep(3 * HOUR).await;
    assert_ne!(node.obtain_cert("a.example").await.unwrap(), first);
    *issuer.selected.lock().unwrap() = None;
    let error = node.refresh_renewal_info("a.example").await.unwrap_err().to_string();
    assert!(error.contains("it does not say"), "{error}");
}
