use std::sync::{Arc, Mutex};

use certstore::bundle::BundleKeys;
use certstore_core::{Locker as _, MemoryStorage, Storage as _};
use httpdate::fmt_http_date;

use super::*;
use crate::test_data::{Scripted, SetClock, at, certificate, names};
use crate::{AccountStore, Ca, StoredChallenges};

const DIRECTORY: &str =
    r#"{"newNonce":"https://ca.example/nonce","renewalInfo":"https://ca.example/ari/"}"#;
const HOUR: Duration = Duration::from_secs(3600);

type Said = (String, u16, String, Option<String>);
type Meanwhile = Arc<Mutex<Option<Box<dyn Fn() + Send>>>>;

/// A CA that answers as it is told, nodes that share a storage, and a clock.
struct World {
    storage: MemoryStorage,
    clock: Arc<SetClock>,
    ca: Ca,
    /// The directory and what is said of a certificate, with its `Retry-After`.
    answer: Arc<Mutex<Said>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Happens while the CA answers.
    meanwhile: Meanwhile,
}

impl World {
    fn new() -> Self {
        let clock = SetClock::at(at(10));
        let answer = Arc::new(Mutex::new((DIRECTORY.to_owned(), 200, window(60, 62), None)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let meanwhile = Meanwhile::default();
        let (said, noted, then) = (answer.clone(), asked.clone(), meanwhile.clone());
        let client = Scripted(move |method: &str, url: &str| {
            noted.lock().unwrap().push(format!("{method} {url}"));
            let (directory, status, info, again) = said.lock().unwrap().clone();
            if url.ends_with("/dir") {
                return http::Response::new(directory);
            }
            if let Some(meanwhile) = &*then.lock().unwrap() {
                meanwhile();
            }
            let mut answer = http::Response::builder().status(status);
            if let Some(again) = again {
                answer = answer.header("Retry-After", again);
            }
            answer.body(info).unwrap()
        });
        let ca = Ca::new("https://ca.example/dir").with_http(Arc::new(client));
        let ca = ca.with_clock(clock.clone());
        Self { storage: MemoryStorage::new(), clock, ca, answer, asked, meanwhile }
    }

    /// One with a certificate of 90 days, of which ten have gone by.
    async fn with_certificate() -> Self {
        let world = Self::new();
        let keys = BundleKeys::new(world.ca.issuer(), "a.example").unwrap();
        certificate(&names()).bundle().store(&world.storage, &keys).await.unwrap();
        world
    }

    fn node(&self) -> Issuance {
        let storage = Arc::new(self.storage.handle());
        let responder = Arc::new(StoredChallenges::new(storage.clone(), &self.ca));
        Issuance::new(Arc::new(AccountStore::new(storage, self.ca.clone()).unwrap()), responder)
    }

    async fn stored(&self) -> Certificate {
        self.node().load(&names()).await.unwrap().unwrap()
    }

    fn say(&self, status: u16, info: &str, again: Option<String>) {
        let mut answer = self.answer.lock().unwrap();
        (answer.1, answer.2, answer.3) = (status, info.to_owned(), again);
    }

    fn questions(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.contains("/ari/")).count()
    }
}

fn window(from: u64, until: u64) -> String {
    let text = |day| {
        let time = time::OffsetDateTime::from(at(day));
        time.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    format!(r#"{{"suggestedWindow":{{"start":"{}","end":"{}"}}}}"#, text(from), text(until))
}

#[tokio::test]
async fn one_node_asks_and_chooses_for_all() {
    let world = World::with_certificate().await;
    let nodes = [world.node(), world.node(), world.node()];
    let asked = nodes.each_ref().map(async |node| node.refresh_renewal_info(&names()).await);
    for (again, node) in futures_util::future::join_all(asked).await.into_iter().zip(&nodes) {
        let again = again.unwrap().unwrap();
        assert!(again == at(10) + 6 * HOUR || again == at(10) + ANOTHER, "{again:?}");
        node.refresh_renewal_info(&names()).await.unwrap();
    }
    let id = renewal_id(world.stored().await.bundle().chain()).unwrap();
    let asked = world.asked.lock().unwrap().clone();
    assert_eq!(asked.last().unwrap(), &format!("GET https://ca.example/ari/{id}"));
    assert_eq!(world.questions(), 1);
    let stored = world.stored().await;
    let selected = stored.renewal_info().unwrap().selected_time().unwrap();
    assert!((at(60)..=at(62)).contains(&selected));
    assert!(!stored.is_due(selected - HOUR) && stored.is_due(selected));
    assert!(world.storage.locks().await.unwrap().is_empty());
    assert_eq!(stored.bundle().metadata().sans, ["a.example"]);
}

#[tokio::test]
async fn it_is_asked_again_when_the_ca_wants_whatever_form_it_says_it_in() {
    let world = World::with_certificate().await;
    let node = world.node();
    let refresh = async || node.refresh_renewal_info(&names()).await.unwrap().unwrap();
    world.say(200, &window(60, 62), Some("7200".into()));
    assert_eq!(refresh().await, at(10) + 2 * HOUR);
    let first = world.stored().await.renewal_info().unwrap().selected_time();
    world.clock.set(at(10) + HOUR);
    assert_eq!(refresh().await, at(10) + 2 * HOUR);
    assert_eq!(world.questions(), 1);

    world.clock.set(at(10) + 2 * HOUR);
    world.say(200, &window(60, 62), Some(fmt_http_date(at(10) + 5 * HOUR)));
    assert_eq!(refresh().await, at(10) + 5 * HOUR);
    assert_eq!(world.stored().await.renewal_info().unwrap().selected_time(), first);

    // Too soon, too late, and nothing that can be understood.
    let mut now = at(20);
    for (said, wait) in [("0", ANOTHER), ("999999999", NEVER), ("later", USUAL)] {
        world.clock.set(now);
        world.say(200, &window(60, 62), Some(said.into()));
        assert_eq!(refresh().await, now + wait, "{said}");
        now += 2 * NEVER;
    }
}

#[tokio::test]
async fn a_window_that_is_over_is_obeyed_at_once() {
    let world = World::with_certificate().await;
    let node = world.node();
    node.refresh_renewal_info(&names()).await.unwrap();
    assert!(!world.stored().await.is_due(at(11)));
    world.clock.set(at(11));
    world.say(200, &window(3, 4), None);
    node.refresh_renewal_info(&names()).await.unwrap();
    assert!(world.stored().await.is_due(at(11)));
}

#[tokio::test]
async fn what_the_ca_does_not_say_changes_nothing() {
    let world = World::with_certificate().await;
    let node = world.node();
    node.refresh_renewal_info(&names()).await.unwrap();
    let before = world.stored().await;
    world.clock.set(at(12));
    let problem = r#"{"type":"urn:ietf:params:acme:error:serverInternal"}"#;
    for (status, body) in [
        (500, problem),
        (404, "<html>"),
        (200, "<html>"),
        (200, "{}"),
        (200, &window(5, 3)),
        (503, ""),
    ] {
        world.say(status, body, Some("60".into()));
        assert!(node.refresh_renewal_info(&names()).await.is_err(), "{status} {body}");
        assert_eq!(world.stored().await, before, "{status} {body}");
    }
    assert!(world.storage.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_ca_that_says_nothing_of_renewals_is_not_asked() {
    let world = World::with_certificate().await;
    world.answer.lock().unwrap().0 = r#"{"newNonce":"https://ca.example/nonce"}"#.into();
    let again = world.node().refresh_renewal_info(&names()).await.unwrap();
    assert_eq!(again, Some(at(10) + USUAL));
    assert_eq!(world.questions(), 0);
    assert!(world.stored().await.renewal_info().is_none());
    // What has expired, or is missing, is not asked about either.
    world.clock.set(at(91));
    assert_eq!(world.node().refresh_renewal_info(&names()).await.unwrap(), None);
    assert_eq!(World::new().node().refresh_renewal_info(&names()).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_waits_for_a_node_that_asks_or_renews() {
    let world = World::with_certificate().await;
    let (node, id) = (world.node(), renewal_id(world.stored().await.bundle().chain()).unwrap());
    let asking = world.storage.lock(&StorageKeys::ari_lock(&id).unwrap()).await.unwrap();
    let again = node.refresh_renewal_info(&names()).await.unwrap();
    assert_eq!((again, world.questions()), (Some(at(10) + ANOTHER), 0));
    asking.unlock().await.unwrap();
    let renewing = StorageKeys::issue_cert_lock("a.example").unwrap();
    let renewing = world.storage.lock(&renewing).await.unwrap();
    let again = node.refresh_renewal_info(&names()).await.unwrap();
    assert_eq!((again, world.questions()), (Some(at(10) + ANOTHER), 1));
    assert!(world.stored().await.renewal_info().is_none());
    renewing.unlock().await.unwrap();
}

#[tokio::test]
async fn a_renewal_while_the_ca_answers_is_not_overwritten() {
    let world = World::with_certificate().await;
    let newer = certificate(&names());
    let keys = BundleKeys::new(world.ca.issuer(), "a.example").unwrap();
    let (storage, bundle) = (world.storage.handle(), newer.bundle().clone());
    *world.meanwhile.lock().unwrap() = Some(Box::new(move || {
        let metadata = bundle.metadata().to_json().unwrap();
        let items = [
            (keys.private_key(), bundle.private_key().as_bytes()),
            (keys.certificate(), bundle.chain().as_bytes()),
            (keys.metadata(), metadata.as_bytes()),
        ];
        // The memory storage answers at once.
        futures_util::FutureExt::now_or_never(storage.store_all(&items)).unwrap().unwrap();
    }));
    let again = world.node().refresh_renewal_info(&names()).await.unwrap();
    assert_eq!(again, Some(at(10) + ANOTHER));
    assert_eq!(world.stored().await, newer);
}
