use std::time::{SystemTime, UNIX_EPOCH};

use certstore_conformance::Gate;
use certstore_core::{Cas, Fence, Key, Locker as _, VersionKind};

use super::*;
use crate::test_clock::TokioClock;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_900_000_000)
}

fn node(storage: &Arc<Gate>, clock: Arc<TokioClock>) -> Arc<TicketKeys> {
    TicketKeys::with_clock(storage.clone(), TicketOptions::default(), clock).unwrap()
}

fn key() -> Key {
    "stek/keys.json".parse().unwrap()
}

async fn stored(storage: &Gate) -> Record {
    Record::parse(&storage.memory.load(&key()).await.unwrap()).unwrap()
}

fn opens(node: &TicketKeys, ticket: &[u8]) -> bool {
    node.decrypt(ticket).as_deref() == Some(b"session")
}

fn seal(node: &TicketKeys) -> Vec<u8> {
    node.encrypt(b"session").expect("there is always a key")
}

/// Without conditions; with fences or without.
fn plain(fence: Fence) -> Arc<Gate> {
    Gate::declaring(|mut declared| {
        (declared.cas, declared.fence) = (Cas::None, fence);
        if fence == Fence::None {
            declared.version = VersionKind::None;
        }
        declared
    })
}

#[tokio::test(start_paused = true)]
async fn nodes_that_race_make_one_key() {
    for storage in [Gate::new(), plain(Fence::Strict), plain(Fence::None)] {
        let clock = TokioClock::starting(start());
        let nodes: Vec<_> = (0..8).map(|_| node(&storage, clock.clone())).collect();
        for turn in 1..=4 {
            let all = nodes.iter().map(|node| node.refresh());
            for refreshed in futures_util::future::join_all(all).await {
                refreshed.unwrap();
            }
            assert_eq!(stored(&storage).await.keys.len(), turn.min(3), "turn {turn}");
            for one in &nodes {
                let ticket = seal(one);
                assert!(nodes.iter().all(|other| opens(other, &ticket)));
            }
            tokio::time::advance(12 * HOUR).await;
        }
        assert!(storage.memory.locks().await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_seals_when_every_node_knows_it() {
    let (storage, clock) = (Gate::new(), TokioClock::starting(start()));
    let (one, other) = (node(&storage, clock.clone()), node(&storage, clock));
    let ahead = node(&storage, TokioClock::starting(start() + HOUR));
    for node in [&one, &other, &ahead] {
        node.refresh().await.unwrap();
    }
    tokio::time::advance(12 * HOUR).await;
    one.refresh().await.unwrap();
    assert!(opens(&other, &seal(&one)), "the other has not looked yet");
    tokio::time::advance(5 * MINUTE).await;
    other.refresh().await.unwrap();
    let newest = stored(&storage).await.keys[0].id;
    ahead.refresh().await.unwrap();
    for node in [&one, &other, &ahead] {
        assert!(!seal(node).starts_with(&newest));
    }
    tokio::time::advance(5 * MINUTE).await;
    assert!(seal(&one).starts_with(&newest) && opens(&other, &seal(&one)));
    tokio::time::advance(5 * MINUTE).await;
    assert!(seal(&other).starts_with(&newest));
}

#[tokio::test(start_paused = true)]
async fn a_ticket_opens_for_its_lifetime_and_no_longer_than_its_key() {
    let (storage, clock) = (Gate::new(), TokioClock::starting(start()));
    let node = node(&storage, clock);
    node.refresh().await.unwrap();
    tokio::time::advance(12 * HOUR).await;
    node.refresh().await.unwrap();
    tokio::time::advance(10 * MINUTE - Duration::from_secs(1)).await;
    // The last that the first key seals.
    let ticket = seal(&node);
    let lifetime = Duration::from_secs(node.lifetime().into());
    assert_eq!(lifetime, 24 * HOUR - 15 * MINUTE);
    let sealed = tokio::time::Instant::now();
    while opens(&node, &ticket) {
        tokio::time::advance(5 * MINUTE).await;
        node.refresh().await.unwrap();
    }
    assert!(sealed.elapsed() > lifetime && sealed.elapsed() < 24 * HOUR, "{:?}", sealed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_begins_seals_with_a_key_that_has_its_time_before_it() {
    let (storage, clock) = (Gate::new(), TokioClock::starting(start()));
    let old = node(&storage, clock.clone());
    old.refresh().await.unwrap();
    tokio::time::advance(12 * HOUR).await;
    old.refresh().await.unwrap();
    let newest = stored(&storage).await.keys[0].id;
    tokio::time::advance(9 * MINUTE).await;
    let early = node(&storage, clock.clone());
    early.refresh().await.unwrap();
    assert!(!seal(&early).starts_with(&newest), "some node may not know it yet");
    tokio::time::advance(MINUTE).await;
    assert!(seal(&early).starts_with(&newest));
    let late = node(&storage, clock);
    late.refresh().await.unwrap();
    assert!(seal(&late).starts_with(&newest));
}

#[tokio::test(start_paused = true)]
async fn an_outage_changes_nothing() {
    let (storage, clock) = (Gate::new(), TokioClock::starting(start()));
    let (one, other) = (node(&storage, clock.clone()), node(&storage, clock.clone()));
    one.refresh().await.unwrap();
    other.refresh().await.unwrap();
    storage.go_away();
    tokio::time::advance(15 * HOUR).await;
    assert_eq!(one.refresh().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let ticket = seal(&one);
    assert!(opens(&other, &ticket) && one.enabled());
    // A node that starts now has a key of its own, and its tickets open there still when it has the shared ones.
    let late = node(&storage, clock);
    assert!(late.refresh().await.is_err());
    let own = seal(&late);
    assert!(opens(&late, &own) && !opens(&one, &own) && !opens(&late, &ticket));
    storage.come_back();
    late.refresh().await.unwrap();
    assert!(opens(&late, &own) && opens(&late, &ticket) && opens(&one, &seal(&late)));
    tokio::time::advance(12 * HOUR).await;
    late.refresh().await.unwrap();
    assert!(!opens(&late, &own) && opens(&late, &ticket));
}

#[tokio::test(start_paused = true)]
async fn a_task_keeps_them_fresh_and_survives_an_outage() {
    let (storage, clock) = (Gate::new(), TokioClock::starting(start()));
    let node = node(&storage, clock);
    let task = tokio::spawn({
        let node = Arc::clone(&node);
        async move { node.maintain().await }
    });
    tokio::time::sleep(13 * HOUR).await;
    assert_eq!(stored(&storage).await.keys.len(), 2);
    storage.go_away();
    storage.refused(3).await;
    tokio::time::sleep(12 * HOUR).await;
    assert!(opens(&node, &seal(&node)));
    storage.come_back();
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(stored(&storage).await.keys.len(), 3);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_stays_and_keys_too() {
    let (storage, clock) = (Gate::new(), TokioClock::starting(start()));
    let node = node(&storage, clock);
    node.refresh().await.unwrap();
    let ticket = seal(&node);
    for (value, kind) in [
        (&b"garbage"[..], ErrorKind::Corrupt),
        (br#"{"version":2,"new":true}"#, ErrorKind::Unsupported),
    ] {
        storage.memory.store(&key(), value).await.unwrap();
        tokio::time::advance(13 * HOUR).await;
        let error = node.refresh().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("stek/keys.json"), "{error}");
        assert_eq!(storage.memory.load(&key()).await.unwrap().as_ref(), value);
        assert!(opens(&node, &ticket));
    }
    storage.memory.delete(&key()).await.unwrap();
    node.refresh().await.unwrap();
    assert!(!opens(&node, &ticket), "deleting the record drops the keys");
    assert_eq!(stored(&storage).await.keys.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn wrong_clocks_neither_hurry_nor_stop_rotation() {
    let storage = Gate::new();
    let right = node(&storage, TokioClock::starting(start()));
    let ahead = node(&storage, TokioClock::starting(start() + 6 * HOUR));
    let behind = node(&storage, TokioClock::starting(start() - 48 * HOUR));
    let (mut newest, mut turns) = (None, 0);
    for _ in 0..(10 * 24 * 4) {
        for node in [&ahead, &right, &behind] {
            node.refresh().await.unwrap();
        }
        let first = stored(&storage).await.keys[0].id;
        turns += usize::from(newest.replace(first) != Some(first));
        tokio::time::advance(15 * MINUTE).await;
    }
    assert!((18..=22).contains(&turns), "{turns} turns in ten days");
    // One whose clock alone is years behind turns them nevertheless, after a turn that it has watched.
    for _ in 0..5 {
        behind.refresh().await.unwrap();
        tokio::time::advance(12 * HOUR).await;
    }
    assert!(stored(&storage).await.keys.iter().all(|key| Some(key.id) != newest));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_ticket_of_theirs_does_not_open() {
    let storage = Gate::new();
    let node = node(&storage, TokioClock::starting(start()));
    node.refresh().await.unwrap();
    let ticket = seal(&node);
    assert!(opens(&node, &ticket));
    for place in 0..ticket.len() {
        assert_eq!(node.decrypt(&ticket[..place]), None, "cut to {place}");
        let mut flipped = ticket.clone();
        flipped[place] ^= 1;
        assert_eq!(node.decrypt(&flipped), None, "byte {place}");
    }
    assert_eq!(node.decrypt(&vec![0; 1 << 20]), None);
    assert_eq!(node.encrypt(&vec![0; 1 << 20]), None);
}

#[test]
fn options_that_cannot_be_are_refused() {
    let storage: Arc<dyn Storage> = Arc::new(certstore_core::MemoryStorage::new());
    let of = |change: fn(&mut TicketOptions)| {
        let mut options = TicketOptions::default();
        change(&mut options);
        TicketKeys::new(Arc::clone(&storage), options).map(drop).map_err(|error| error.kind())
    };
    assert_eq!(of(|_| {}), Ok(()));
    assert_eq!(of(|options| options.keep = 64), Ok(()));
    let refused = Err(ErrorKind::InvalidConfig);
    assert_eq!(of(|options| options.keep = 1), refused);
    assert_eq!(of(|options| options.keep = 65), refused);
    assert_eq!(of(|options| options.check_every = Duration::ZERO), refused);
    assert_eq!(of(|options| options.rotate_every = Duration::from_secs(1199)), refused);
    assert_eq!(
        of(|options| {
            options.rotate_every = Duration::from_millis(900);
            options.check_every = Duration::from_millis(1);
        }),
        refused
    );
}

#[tokio::test]
async fn keys_are_never_shown() {
    let storage = Gate::new();
    let node = TicketKeys::new(storage.clone(), TicketOptions::default()).unwrap();
    node.refresh().await.unwrap();
    let json = String::from_utf8(storage.memory.load(&key()).await.unwrap().to_vec()).unwrap();
    let secret = json.split("\"secret\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(secret.len(), 44);
    let shown = format!("{node:?}");
    let numbers = format!("{:?}", &stored(&storage).await.keys[0].secret[..4]);
    assert!(shown.contains("keys: 1") && !shown.contains(secret), "{shown}");
    assert!(!shown.contains(numbers.trim_matches(['[', ']'])), "{shown}");
}
