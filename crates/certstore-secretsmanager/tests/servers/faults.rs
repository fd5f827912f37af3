//! Single failures: sent again where that does no harm, told where not.

use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::{Effect, Fault, Op};
use certstore_core::{Condition, Dir, ErrorKind, Storage as _};

use crate::rig::{Rig, key, open, refused, soon};

#[tokio::test]
async fn reads_lists_and_deletes_are_sent_again() {
    for effect in [
        Effect::LoseRequest,
        Effect::LoseReply,
        Effect::InternalError,
        Effect::Unavailable,
        Effect::TruncateBody,
    ] {
        let rig = Rig::start();
        let storage = rig.open().await;
        storage.store(&key("d/a"), b"value").await.unwrap();
        for op in [Op::GetSecretValue, Op::DescribeSecret, Op::ListSecrets, Op::DeleteSecret] {
            let fault = rig.fault(Fault::new(effect).on(op));
            match op {
                Op::GetSecretValue => {
                    assert_eq!(soon(storage.load(&key("d/a"))).await.unwrap(), "value");
                }
                Op::DescribeSecret => assert!(soon(storage.exists(&key("d/a"))).await.unwrap()),
                Op::ListSecrets => {
                    let listed = soon(storage.list(&Dir::new("d").unwrap(), true)).await;
                    assert_eq!(listed.unwrap(), [key("d/a")]);
                }
                _ => soon(storage.delete(&key("d/a"))).await.unwrap(),
            }
            assert_eq!(fault.fired(), 1, "{effect:?} {op}");
        }
        assert!(!storage.exists(&key("d/a")).await.unwrap());
    }
}

#[tokio::test]
async fn a_read_without_an_answer_is_sent_again_in_half_the_time() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_secs(2);
    let storage = open(&config).await;
    storage.store(&key("a"), b"value").await.unwrap();
    let silent = Fault::new(Effect::Delay(Duration::from_secs(60)));
    let fault = rig.fault(silent.on(Op::GetSecretValue));
    assert_eq!(soon(storage.load(&key("a"))).await.unwrap(), "value");
    assert_eq!(fault.fired(), 1);
}

#[tokio::test]
async fn a_conditional_store_is_over_in_the_time_of_one_call() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_secs(1);
    let storage = open(&config).await;
    let version = storage.store(&key("a"), b"1").await.unwrap();
    let silent = Effect::Delay(Duration::from_secs(60));
    rig.fault(Fault::new(silent).on(Op::UpdateSecretVersionStage).always());
    let started = std::time::Instant::now();
    let stored = soon(storage.store_if(&key("a"), b"2", &Condition::Version(version))).await;
    let error = refused(stored, ErrorKind::Unavailable);
    assert!(error.may_have_applied(), "{error:?}");
    assert!(started.elapsed() < Duration::from_millis(2_500), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_store_that_keeps_failing_says_whether_it_may_be_there() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("a"), b"1").await.unwrap();
    for (effect, unclear) in [
        (Effect::InternalErrorAfter, true),
        (Effect::LoseReply, true),
        (Effect::Throttle, false),
        (Effect::LimitExceeded, false),
    ] {
        let fault = rig.fault(Fault::new(effect).on(Op::PutSecretValue).always());
        let error = soon(storage.store(&key("a"), b"2")).await.unwrap_err();
        assert_eq!(error.may_have_applied(), unclear, "{effect:?} {error:?}");
        fault.lift();
    }
}

#[tokio::test]
async fn a_move_that_nobody_can_tell_of_says_so() {
    let rig = Rig::start();
    let (storage, other) = (rig.open().await, rig.open().await);
    let at = key("a");
    let version = storage.store(&at, b"1").await.unwrap();
    // The reply is lost, and before it is looked for two others have written.
    let lost =
        rig.fault(Fault::new(Effect::LoseReply).on(Op::UpdateSecretVersionStage).conditional());
    let looks = rig.fault(Fault::new(Effect::Hold).on(Op::DescribeSecret));
    let store = tokio::spawn(async move {
        storage.store_if(&key("a"), b"2", &Condition::Version(version)).await
    });
    while looks.fired() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(lost.fired(), 1);
    other.store(&at, b"3").await.unwrap();
    other.store(&at, b"4").await.unwrap();
    rig.server.release();
    let error = refused(soon(store).await.unwrap(), ErrorKind::Unavailable);
    assert!(error.may_have_applied(), "{error:?}");
    assert_eq!(other.load(&at).await.unwrap(), "4");
}
