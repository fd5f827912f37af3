//! The probe, while the server has trouble that passes.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_s3::{Effect, Fault, Op};
use certstore_core::{ErrorKind, Locker as _, Storage as _};
use futures_util::future::join_all;

use crate::rig::{Rig, key, name, open, refused, soon};

const RACES: &str = "*/locks/probe/*/create-*";

#[tokio::test]
async fn conflicts_and_lost_rounds_are_no_finding() {
    for effect in [Effect::Conflict, Effect::SlowDown, Effect::LoseRequest] {
        let rig = Rig::start();
        let storage = rig.open().await;
        // A round has 16 writes; the second one meets nothing.
        let fault = rig.fault(Fault::new(effect).on(Op::PutObject).key(RACES).times(16));
        let report = soon(storage.probe()).await.unwrap();
        assert!(report.can_lock() && report.delete.is_none(), "{effect:?}: {report:?}");
        assert_eq!(fault.fired(), 16, "{effect:?}");
        assert_eq!(rig.site.objects("").await, [""; 0], "{effect:?}");
    }
}

#[tokio::test]
async fn lasting_conflicts_are_not_remembered() {
    for pattern in [RACES, "*/locks/probe/*"] {
        let rig = Rig::start();
        let storage = rig.open().await;
        let conflict = Fault::new(Effect::Conflict).on(Op::PutObject).key(pattern).always();
        let fault = rig.fault(conflict);
        refused(soon(storage.lock(&name("job"))).await, ErrorKind::Unavailable);
        fault.lift();
        soon(storage.lock(&name("job"))).await.unwrap().unlock().await.unwrap();
    }
}

#[tokio::test]
async fn a_round_with_one_answer_is_repeated() {
    let rig = Rig::start();
    let storage = rig.open().await;
    rig.fault(Fault::new(Effect::InternalError).on(Op::PutObject).key(RACES).skip(1).times(15));
    rig.server.clear_requests();
    assert!(soon(storage.probe()).await.unwrap().can_lock());
    let requests = rig.server.requests();
    let races = requests
        .iter()
        .filter(|request| request.op == Op::PutObject && request.key.contains("/create-"));
    assert_eq!(races.count(), 5 * 16, "four rounds that count, and the one that does not");
}

#[tokio::test]
async fn who_waits_for_a_silent_server_waits_once() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_secs(2);
    let storage = open(&config).await;
    let silent = Fault::new(Effect::Delay(Duration::from_secs(60))).key("*/locks/*").always();
    let fault = rig.fault(silent);
    let started = Instant::now();
    let job = name("job");
    let tries = join_all((0..8).map(|_| storage.try_lock(&job)));
    for tried in soon(tries).await {
        refused(tried, ErrorKind::Unavailable);
    }
    // One after another they would take 8 times 2 s at least.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    fault.lift();
    soon(storage.try_lock(&job)).await.unwrap().expect("free").unlock().await.unwrap();
}

#[tokio::test]
async fn a_write_and_a_delete_that_both_win_are_found() {
    let rig = Rig::start();
    let object = "*/locks/probe/*/delete-*";
    let racy = Fault::new(Effect::RacyConditions(Duration::from_millis(400)));
    rig.fault(racy.on(Op::PutObject).key(object).conditional().always());
    let later = Fault::new(Effect::Delay(Duration::from_millis(100)));
    rig.fault(later.on(Op::DeleteObject).key(object).conditional().always());
    let report = soon(rig.open().await.probe()).await.unwrap();
    assert!(report.can_lock(), "{report:?}");
    let fault = report.delete.expect("both went through");
    assert!(fault.contains("one of each"), "{fault}");
}

#[tokio::test]
async fn a_read_without_an_answer_is_sent_again_in_half_the_time() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_secs(2);
    let storage = open(&config).await;
    storage.store(&key("a"), b"value").await.unwrap();
    for op in [Op::GetObject, Op::HeadObject, Op::ListObjectsV2] {
        let fault = rig.fault(Fault::new(Effect::Delay(Duration::from_secs(60))).on(op));
        assert_eq!(soon(storage.load(&key("a"))).await.unwrap(), "value");
        assert!(storage.exists(&key("a")).await.unwrap());
        assert!(!storage.exists(&key("missing")).await.unwrap());
        assert_eq!(fault.fired(), 1, "{op}");
    }
}
