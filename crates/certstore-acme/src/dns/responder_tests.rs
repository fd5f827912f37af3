use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use certstore_conformance::Gate;
use certstore_core::Storage as _;
use certstore_instant_acme::PresentedChallenge;
use instant_acme::ChallengeType::Dns01;

use super::*;
use crate::dns::DnsProvider;
use crate::test_clock::TokioClock;

/// A zone with two servers, the second of which lags behind.
#[derive(Debug, Default)]
struct Zone {
    records: Mutex<BTreeSet<(String, String)>>,
    /// How many looks at the second server find nothing yet.
    lag: Mutex<u32>,
    refuses: Mutex<bool>,
}

#[derive(Debug, Clone)]
struct Handle(Arc<Zone>);

/// The second one has an address more that never answers, as where IPv6 is not routed.
fn servers() -> [Server; 2] {
    let address = |last| SocketAddr::from(([192, 0, 2, last], 53));
    [("ns1.example.com", vec![address(1)]), ("ns2.example.com", vec![address(3), address(2)])]
        .map(|(name, addresses)| Server { name: name.to_owned(), addresses })
}

impl Handle {
    fn change(&self, zone: &str) -> Result<(), DnsError> {
        assert_eq!(zone, "example.com");
        let provider = "the test".to_owned();
        match *self.0.refuses.lock().expect("no test panics here") {
            true => Err(DnsError::Denied { zone: zone.to_owned(), provider }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl DnsProvider for Handle {
    async fn present(&self, zone: &str, record: &TxtRecord) -> Result<(), DnsError> {
        self.change(zone)?;
        let mut records = self.0.records.lock().expect("no test panics here");
        records.insert((record.name.clone(), record.value.clone()));
        Ok(())
    }

    async fn remove(&self, zone: &str, record: &TxtRecord) -> Result<(), DnsError> {
        self.change(zone)?;
        let mut records = self.0.records.lock().expect("no test panics here");
        records.remove(&(record.name.clone(), record.value.clone()));
        Ok(())
    }
}

#[async_trait]
impl Lookups for Handle {
    async fn zone(&self, name: &str) -> Result<String, DnsError> {
        assert!(name.ends_with(".example.com"), "{name}");
        Ok("example.com".to_owned())
    }

    async fn servers(&self, _: &str) -> Result<Vec<Server>, DnsError> {
        Ok(servers().into())
    }

    async fn values(&self, server: SocketAddr, name: &str) -> Result<Vec<String>, DnsError> {
        if server == servers()[1].addresses[0] {
            let source = std::io::Error::from(std::io::ErrorKind::TimedOut).into();
            return Err(DnsError::Lookup { name: name.to_owned(), source });
        }
        let mut lag = self.0.lag.lock().expect("no test panics here");
        if server == servers()[1].addresses[1] && *lag > 0 {
            *lag -= 1;
            return Ok(Vec::new());
        }
        let records = self.0.records.lock().expect("no test panics here");
        let own = records.iter().filter(|(own, _)| own == name);
        Ok(own.map(|(_, value)| value.clone()).collect())
    }
}

struct Setting {
    storage: Arc<Gate>,
    zone: Arc<Zone>,
    clock: Arc<TokioClock>,
}

impl Setting {
    fn new() -> Self {
        let clock = TokioClock::starting(UNIX_EPOCH + Duration::from_secs(1_900_000_000));
        Self { storage: Gate::new(), zone: Arc::default(), clock }
    }

    fn node(&self, set: impl FnOnce(DnsChallenge) -> DnsChallenge) -> DnsResponder {
        let handle = Handle(self.zone.clone());
        let challenge = set(DnsChallenge::new(handle.clone()));
        let (storage, clock) = (self.storage.clone(), self.clock.clone());
        let made = DnsResponder::new(challenge, storage, "ca.example", clock);
        DnsResponder { lookups: Box::new(handle), ..made }
    }

    /// The values at each name.
    fn records(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for (name, _) in &*self.zone.records.lock().expect("no test panics here") {
            *count.entry(name.clone()).or_default() += 1;
        }
        count
    }
}

fn challenge(name: &str, token: &str) -> PresentedChallenge {
    PresentedChallenge::new(Dns01, name, token, &format!("{token}.thumb"))
}

fn plain(challenge: DnsChallenge) -> DnsChallenge {
    challenge
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_and_the_name_beneath_it_do_not_overwrite_each_other() {
    let setting = Setting::new();
    let [one, other] = [(); 2].map(|()| setting.node(plain));
    let (apex, wildcard) = (challenge("a.example.com", "1"), challenge("*.a.example.com", "2"));
    one.present(&apex).await.unwrap();
    other.present(&wildcard).await.unwrap();
    let name = "_acme-challenge.a.example.com".to_owned();
    assert_eq!(setting.records(), [(name.clone(), 2)].into());
    one.remove(&apex).await.unwrap();
    assert_eq!(setting.records(), [(name, 1)].into());
    other.remove(&wildcard).await.unwrap();
    assert_eq!(setting.records(), BTreeMap::new());
    assert!(setting.storage.memory.list(&"acme".parse().unwrap(), true).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_is_removed_by_the_next_run() {
    let setting = Setting::new();
    setting.node(plain).present(&challenge("a.example.com", "1")).await.unwrap();
    // The next run has another order, and so another value. It cannot remove the old one, and remembers it.
    let name = "_acme-challenge.a.example.com".to_owned();
    *setting.zone.refuses.lock().unwrap() = true;
    let next = challenge("a.example.com", "2");
    let node = setting.node(plain);
    assert!(matches!(node.present(&next).await, Err(DnsError::Denied { .. })));
    assert!(matches!(node.remove(&next).await, Err(DnsError::Denied { .. })));
    *setting.zone.refuses.lock().unwrap() = false;
    node.present(&next).await.unwrap();
    assert_eq!(setting.records(), [(name, 1)].into());
    node.remove(&next).await.unwrap();
    assert_eq!(setting.records(), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn the_ca_is_told_once_all_servers_have_the_record() {
    let setting = Setting::new();
    *setting.zone.lag.lock().unwrap() = 3;
    let begun = setting.clock.boottime();
    let node = setting.node(|set| set.with_propagation_delay(Duration::from_secs(10)));
    node.present(&challenge("a.example.com", "1")).await.unwrap();
    assert_eq!((setting.clock.boottime() - begun).as_secs(), 10 + 3 * 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_has_the_record_is_named() {
    let setting = Setting::new();
    *setting.zone.lag.lock().unwrap() = u32::MAX;
    let node = setting.node(|set| set.with_propagation_timeout(Some(Duration::from_secs(30))));
    let error = node.present(&challenge("a.example.com", "1")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the TXT record _acme-challenge.a.example.com is not on all servers of the zone example.com after 30 s; it is missing on ns2.example.com; check these servers, or wait longer"
    );
    // Nobody waits when it is not asked for.
    setting
        .node(|set| set.with_propagation_timeout(None))
        .present(&challenge("a.example.com", "1"))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_record_is_at_the_name_that_overrides() {
    let setting = Setting::new();
    let node = setting.node(|set| set.with_override_domain("Delegated.example.com."));
    node.present(&challenge("a.example", "1")).await.unwrap();
    node.present(&challenge("b.example", "2")).await.unwrap();
    assert_eq!(setting.records(), [("delegated.example.com".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_takes_no_note_gets_no_record_made() {
    let setting = Setting::new();
    setting.storage.go_away();
    let error = setting.node(plain).present(&challenge("a.example.com", "1")).await.unwrap_err();
    assert!(matches!(error, DnsError::Storage(_)), "{error}");
    assert_eq!(setting.records(), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_note_that_is_damaged_stops_nothing() {
    let setting = Setting::new();
    let node = setting.node(plain);
    let shown = challenge("a.example.com", "1");
    setting.storage.memory.store(&node.key(&shown).unwrap(), b"no note").await.unwrap();
    node.present(&shown).await.unwrap();
    node.remove(&shown).await.unwrap();
    assert_eq!(setting.records(), BTreeMap::new());
}
