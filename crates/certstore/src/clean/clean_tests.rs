use std::sync::{Arc, Mutex};
use std::time::Duration;

use certstore_core::{ErrorKind, Key, Locker, MemoryStorage, Storage, StorageKeys};

use super::test_support::{DAY, Maker, NOW, Plain, SetClock, storage, values};
use super::{CleanEvent, CleanFinding, CleanKind, CleanOptions, CleanOutcome, CleanReport, clean};
use crate::inventory::test_data::caddy_storage;

fn options(clock: &SetClock) -> CleanOptions {
    CleanOptions {
        clock: Arc::new(clock.clone()),
        instance_id: "me".into(),
        ..CleanOptions::default()
    }
}

async fn run(storage: &dyn Storage, options: &CleanOptions) -> (CleanReport, Vec<CleanFinding>) {
    let mut found = Vec::new();
    let report = clean(storage, options, |event| {
        if let CleanEvent::Found(finding) = event {
            found.push(finding);
        }
    })
    .await
    .unwrap();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    (report, found)
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn names(found: &[CleanFinding], outcome: CleanOutcome) -> Vec<&str> {
    found.iter().filter(|one| one.outcome == outcome).map(|one| one.key.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_sites_with_garbage_and_renewals_and_a_second_cleaner() {
    let clock = SetClock::at(NOW);
    let (maker, store) = (Maker::new(), storage(&clock));
    let (good, expired) = (NOW + 30 * DAY, NOW - 15 * DAY);
    let mut doomed = Vec::new();
    let mut kept = Vec::new();
    for site in 0..10_000 {
        let name = format!("site{site:05}.example.test");
        let end = if site % 100 == 7 { expired } else { good };
        let crt = maker.site(&store, &name, end).await;
        (if end == expired { &mut doomed } else { &mut kept }).push(crt.to_string());
    }
    for garbage in 0..10 {
        let crt = format!("certificates/local/garbage{garbage}.test/garbage{garbage}.test.crt");
        store.store(&key(&crt), b"-----BEGIN CERTIFICATE-----\ngarbage").await.unwrap();
    }
    // A renewal that began before the cleaning, and ends while it runs.
    let renewed = doomed.remove(0);
    let issuing = store.handle();
    let issue = StorageKeys::issue_cert_lock("site00007.example.test").unwrap();
    let guard = issuing.lock(&issue).await.unwrap();
    let (half, reached) = tokio::sync::oneshot::channel::<()>();
    let fresh = maker.certificate(&["site00007.example.test"], NOW + 90 * DAY);
    let renewal = tokio::spawn({
        let (renewed, fresh) = (key(&renewed), fresh.clone());
        async move {
            reached.await.unwrap();
            issuing.store_fenced(&renewed, fresh.as_bytes(), &guard).await.unwrap();
            guard.unlock().await.unwrap();
        }
    });

    // Two cleaners at once; the renewal ends when whichever of them works is half through.
    let half = Arc::new(Mutex::new((0, Some(half))));
    let cleaner = |store: MemoryStorage| {
        let (options, half) = (options(&clock), half.clone());
        tokio::spawn(async move {
            let event = |event| {
                let mut half = half.lock().unwrap();
                half.0 += u32::from(event == CleanEvent::Looked);
                if half.0 == 5_000
                    && let Some(half) = half.1.take()
                {
                    half.send(()).unwrap();
                }
            };
            clean(&store, &options, event).await.unwrap()
        })
    };
    let (first, second) = (cleaner(store.handle()), cleaner(store.handle()));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    renewal.await.unwrap();
    let (worked, waited) = if first.skipped.is_none() { (first, second) } else { (second, first) };
    assert_eq!(waited.skipped.as_ref().map(|taken| taken.instance_id.as_str()), Some("me"));
    assert_eq!((worked.looked, worked.certificates), (10_010, 99), "{worked:?}");
    assert_eq!((worked.garbage, worked.renewed, worked.failed, worked.busy), (10, 1, 0, 0));
    let left = values(&store).await;
    let certificates: Vec<&String> =
        left.iter().filter(|key| key.ends_with(".crt") && key.contains("/site")).collect();
    kept.push(renewed.clone());
    kept.sort();
    assert_eq!(certificates, kept.iter().collect::<Vec<_>>());
    assert_eq!(left.len(), 9_901 * 3 + 10 + 1, "keys and metadata went, garbage stayed");
    assert_eq!(store.load(&key(&renewed)).await.unwrap(), fresh.as_bytes());
    for gone in &doomed {
        assert!(!store.exists(key(gone).parent().key().unwrap()).await.unwrap(), "{gone}");
    }
    assert!(store.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_site_whose_lock_is_taken_is_left_for_the_next_time() {
    let clock = SetClock::at(NOW);
    let (maker, store) = (Maker::new(), storage(&clock));
    let crt = maker.site(&store, "*.a.test", NOW - 20 * DAY).await;
    let other = store.handle();
    let guard = other.lock(&"issue_cert_*.a.test".parse().unwrap()).await.unwrap();
    let mut options = options(&clock);
    options.patience = Duration::ZERO;
    let (report, found) = run(&store, &options).await;
    assert_eq!((report.busy, report.certificates), (1, 0));
    assert_eq!(names(&found, CleanOutcome::Busy), [crt.as_str()]);
    assert!(found[0].detail.contains("issue_cert_*.a.test"), "{found:?}");
    assert_eq!(values(&store).await.len(), 4);
    guard.unlock().await.unwrap();
    options.interval = Duration::ZERO;
    let (report, _) = run(&store, &options).await;
    assert_eq!((report.busy, report.certificates), (0, 1));
    assert_eq!(values(&store).await, ["last_clean.json"]);
}

#[tokio::test]
async fn grace_is_kept_to_the_second_and_dry_runs_write_nothing() {
    let clock = SetClock::at(NOW);
    let (maker, store) = (Maker::new(), storage(&clock));
    let inside = maker.site(&store, "inside.test", NOW - 14 * DAY + 1).await;
    let over = maker.site(&store, "over.test", NOW - 14 * DAY).await;
    let mut options = options(&clock);
    options.dry_run = true;
    let before = values(&store).await;
    let (report, found) = run(&store, &options).await;
    assert_eq!((report.dry_run, report.certificates), (true, 1));
    assert_eq!(names(&found, CleanOutcome::WouldRemove), [over.as_str()]);
    assert_eq!(values(&store).await, before);
    options.dry_run = false;
    let (_, found) = run(&store, &options).await;
    assert_eq!(names(&found, CleanOutcome::Removed), [over.as_str()]);
    assert!(store.exists(&inside).await.unwrap() && !store.exists(&over).await.unwrap());
}

#[tokio::test]
async fn turns_are_those_of_certmagic() {
    let clock = SetClock::at(NOW);
    let store = storage(&clock);
    let last = StorageKeys::last_clean().unwrap();
    // Written by Go an hour ago, in its own zone.
    let go = r#"{"tls":{"timestamp":"2026-11-28T13:00:00.5+02:00","instance_id":"go"}}"#;
    store.store(&last, go.as_bytes()).await.unwrap();
    let (report, _) = run(&store, &options(&clock)).await;
    let taken = report.skipped.unwrap();
    assert_eq!((taken.instance_id.as_str(), taken.due_in_seconds), ("go", 23 * 3600));
    assert_eq!(store.load(&last).await.unwrap(), go.as_bytes());

    clock.set(NOW + DAY);
    assert!(run(&store, &options(&clock)).await.0.skipped.is_none());
    let ours = store.load(&last).await.unwrap();
    assert_eq!(ours, r#"{"tls":{"timestamp":"2026-11-29T12:00:00Z","instance_id":"me"}}"#);
    assert!(run(&store, &options(&clock)).await.0.skipped.is_some());

    // Damaged, or from a clock that was years ahead: neither stops cleaning for good.
    for wrong in ["", "{", r#"{"tls":{"timestamp":"2099-01-01T00:00:00Z"}}"#, r#"{"tls":null}"#] {
        store.store(&last, wrong.as_bytes()).await.unwrap();
        assert!(run(&store, &options(&clock)).await.0.skipped.is_none(), "{wrong}");
        assert_eq!(store.load(&last).await.unwrap(), ours);
    }
}

#[tokio::test]
async fn staples_go_when_their_time_is_over() {
    let store = caddy_storage().await;
    // Until 2026-11-26T00:31:44Z to 00:31:54Z.
    let clock = SetClock::at(1_795_653_106);
    store.store(&key("ocsp/garbage.test-1f"), b"garbage").await.unwrap();
    store.store(&key("ocsp/12345678"), &[0x30, 0x03, 0x0a, 0x01, 0x06]).await.unwrap();
    let mut options = options(&clock);
    options.grace = Duration::from_secs(3600 * 24 * 3650);
    let (report, found) = run(&store, &options).await;
    assert_eq!(report.staples, 2, "{found:?}");
    assert_eq!(
        names(&found, CleanOutcome::Removed),
        ["ocsp/caddy1.example.test-4fe0631e", "ocsp/caddy2.example.test-f7d266de"]
    );
    assert_eq!(names(&found, CleanOutcome::Garbage), ["ocsp/garbage.test-1f"]);
    assert!(found.iter().all(|one| one.kind == CleanKind::Staple), "{found:?}");
    clock.set(1_795_653_106 + 3600);
    options.interval = Duration::ZERO;
    assert_eq!(run(&store, &options).await.0.staples, 3);
}

const CHALLENGE: &str = r#"{"type":"http-01","url":"https://ca/1","status":"pending","token":"t","keyAuthorization":"t.k","identifier":{"type":"dns","value":"a.test"}}"#;

#[tokio::test]
async fn stale_challenges_and_unfinished_files_go_by_age_and_content() {
    let clock = SetClock::at(NOW - DAY);
    let store = storage(&clock);
    let health = vec![7; 10 * 1024];
    let old: [(&str, &[u8]); 6] = [
        ("acme/ca/challenge_tokens/2871934123", b"{\"type\":\"ht"),
        ("acme/ca/challenge_tokens/a.test.json", CHALLENGE.as_bytes()),
        ("certificates/local/a.test/4027512321", b"-----BEGIN EC PRI"),
        ("ocsp/1234567890", b""),
        ("rw_test_8674665223082153551", &health),
        ("zerossl/challenge_tokens/a.test.json", CHALLENGE.as_bytes()),
    ];
    let garbage: [(&str, &[u8]); 4] = [
        ("acme/ca/challenge_tokens/b.test.json", b"{}"),
        ("acme/ca/users/ops@a.test/123", b"notes of somebody"),
        ("rw_test_1", b"short"),
        ("zerossl/challenge_tokens/c.test.json", br#"{"type":"http-01","token":""}"#),
    ];
    let others: [(&str, &[u8]); 3] =
        [("123", b""), ("acme/ca/users/ops@a.test/ops.json", b"{"), ("pki/1234567", b"")];
    for (name, value) in old.iter().chain(&garbage).chain(&others) {
        store.store(&key(name), value).await.unwrap();
    }
    clock.set(NOW - 1);
    let young = key("acme/ca/challenge_tokens/young.test.json");
    store.store(&young, CHALLENGE.as_bytes()).await.unwrap();
    assert_eq!(run(&store, &options(&clock)).await.0.removed(), 0, "a second too early");
    clock.set(NOW);
    let mut options = options(&clock);
    options.interval = Duration::ZERO;
    let (report, found) = run(&store, &options).await;
    assert_eq!((report.challenge_tokens, report.temporary), (2, 4), "{found:?}");
    assert_eq!(names(&found, CleanOutcome::Removed), old.map(|(name, _)| name));
    assert_eq!(names(&found, CleanOutcome::Garbage), garbage.map(|(name, _)| name));
    assert!(store.exists(&young).await.unwrap());
    for (name, _) in garbage.iter().chain(&others) {
        assert!(store.exists(&key(name)).await.unwrap(), "{name}");
    }
}

const ORDER: &str = r#"{"ca":"https://ca/dir","account":"https://ca/1","sans":["a.test"],"order":null,"private_key":"-----BEGIN"}"#;

#[tokio::test]
async fn an_order_that_nobody_finishes_goes_when_the_ca_has_forgotten_it() {
    let clock = SetClock::at(NOW - 8 * DAY);
    let store = storage(&clock);
    let (order, garbage) = (key("acme/ca/orders/a.test.json"), key("acme/ca/orders/b.test.json"));
    store.store(&order, ORDER.as_bytes()).await.unwrap();
    store.store(&garbage, br#"{"ca":"","sans":[]}"#).await.unwrap();
    clock.set(NOW - 1);
    let mut options = options(&clock);
    (options.interval, options.patience) = (Duration::ZERO, Duration::ZERO);
    let (report, _) = run(&store, &options).await;
    assert_eq!((report.removed(), report.garbage), (0, 1), "a second too early");
    clock.set(NOW);
    let working = store.handle().lock(&"issue_cert_a.test".parse().unwrap()).await.unwrap();
    assert_eq!(run(&store, &options).await.0.busy, 1, "somebody is at it");
    working.unlock().await.unwrap();
    let (report, found) = run(&store, &options).await;
    assert_eq!((report.orders, report.garbage), (1, 1), "{found:?}");
    assert!(found.iter().all(|one| one.kind == CleanKind::Order && !one.detail.contains("BEGIN")));
    assert!(!store.exists(&order).await.unwrap() && store.exists(&garbage).await.unwrap());
}

#[tokio::test]
async fn a_challenge_that_is_being_solved_stays() {
    let clock = SetClock::at(NOW - 3 * DAY);
    let store = storage(&clock);
    let token = key("acme/ca/challenge_tokens/a.test.json");
    store.store(&token, CHALLENGE.as_bytes()).await.unwrap();
    clock.set(NOW);
    let _solving = store.handle().lock(&"issue_cert_a.test".parse().unwrap()).await.unwrap();
    let mut options = options(&clock);
    options.patience = Duration::ZERO;
    let (report, _) = run(&store, &options).await;
    assert_eq!((report.busy, report.removed()), (1, 0));
    assert!(store.exists(&token).await.unwrap());
}

#[tokio::test]
async fn certificates_that_are_no_sites_own_stay() {
    let clock = SetClock::at(NOW);
    let (maker, store) = (Maker::new(), storage(&clock));
    let old = NOW - 100 * DAY;
    let strange = key("certificates/local/a.test/a.test.crt");
    store.store(&strange, maker.certificate(&["b.test"], old).as_bytes()).await.unwrap();
    let elsewhere = key("backup/certificates/local/a.test/a.test.crt");
    store.store(&elsewhere, maker.certificate(&["a.test"], old).as_bytes()).await.unwrap();
    let (report, found) = run(&store, &options(&clock)).await;
    assert_eq!((report.looked, report.garbage, report.removed()), (1, 1, 0));
    assert_eq!(names(&found, CleanOutcome::Garbage), [strange.as_str()]);
}

#[tokio::test]
async fn a_store_without_conditions_is_cleaned_under_the_locks() {
    let clock = SetClock::at(NOW);
    let (maker, memory) = (Maker::new(), storage(&clock));
    let store = Plain { inner: memory.clone() };
    maker.site(&store, "old.test", NOW - 20 * DAY).await;
    let kept = maker.site(&store, "new.test", NOW).await;
    store.store(&key("ocsp/new.test-1"), &staple().await).await.unwrap();
    let (report, found) = run(&store, &options(&clock)).await;
    assert_eq!((report.certificates, report.staples, report.failed), (1, 1, 0), "{found:?}");
    assert_eq!(values(&store).await.len(), 4);
    assert!(memory.exists(&kept).await.unwrap());
}

async fn staple() -> Vec<u8> {
    caddy_storage().await.load(&key("ocsp/rsa.example.test-48387e05")).await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleaning_that_has_lost_its_turn_does_not_say_that_it_cleaned() {
    let clock = SetClock::at(NOW);
    let (maker, store) = (Maker::new(), storage(&clock));
    maker.site(&store, "a.test", NOW).await;
    let (lock, operator) = (StorageKeys::storage_clean_lock().unwrap(), store.handle());
    let last = StorageKeys::last_clean().unwrap();
    let error = clean(&store, &options(&clock), |_| {
        // An operator breaks the lock while it is held, and another cleaner has its turn.
        let other_turn = async {
            let held = operator.locks().await.unwrap();
            operator.break_lock(&lock, held[0].token.unwrap()).await.unwrap();
            let turn = operator.lock(&lock).await.unwrap();
            operator.store_fenced(&last, b"theirs", &turn).await.unwrap();
            turn.unlock().await.unwrap();
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(other_turn));
    })
    .await
    .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Fenced | ErrorKind::LockLost), "{error}");
    assert_eq!(store.load(&last).await.unwrap().as_ref(), b"theirs");
}
