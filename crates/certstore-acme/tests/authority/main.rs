//! A manager and CAs that refuse, are down, or answer nonsense; and one that is tried first after a failure.

#![cfg(unix)]

mod scripted;
mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use certstore_acme::{Error, Event, Issuer as _};
use certstore_core::{Dir, KeyInfo};
use futures_util::TryStreamExt as _;
use scripted::{answers, ca_that};
use world::{Authority, SetClock, World};

const NAME: &str = "a.example";

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_a_test_ca_is_tried_before_the_real_one_and_its_certificate_is_not_served()
{
    let (real, test) = (Authority::start(), Authority::start());
    let world = World::new();
    let issuer = || {
        let of_test = world.accounts(&test);
        world.issuer(&real).with_test_ca(&test.ca(), of_test, world.responder(&test))
    };
    let node = world.config(issuer());
    let orders = || (real.pebble.orders(), test.pebble.orders());
    // Nobody answers either of them.
    assert!(node.obtain_cert(NAME).await.is_err());
    assert_eq!(orders(), (1, 0));
    assert!(node.obtain_cert(NAME).await.is_err());
    assert_eq!(orders(), (1, 1), "the real one is left alone");
    let _answered = test.is_answered_by(&node).await;
    assert!(node.obtain_cert(NAME).await.is_err());
    assert_eq!(orders(), (2, 2));
    assert!(issuer().load(NAME).await.unwrap().is_none(), "what the test CA gave is not there");
    assert!(node.get_certificate(NAME).is_none());
    let _answered = real.is_answered_by(&node).await;
    let obtained = node.obtain_cert(NAME).await.unwrap();
    assert_eq!(orders(), (3, 3));
    assert_eq!(obtained.issuer(), Some(real.ca().issuer()));
    // From here on nothing has failed.
    node.renew_cert(NAME).await.unwrap();
    assert_eq!(orders(), (4, 3));
    assert!(world.storage.locks().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_fails_is_followed_by_one_that_succeeds_after_the_pause_and_leaves_nothing() {
    let (ca, world) = (Authority::start(), World::new());
    let clock = SetClock::now();
    let pauses = Arc::new(Mutex::new(Vec::new()));
    let told = pauses.clone();
    let node = world
        .builder(world.issuer(&ca).with_clock(clock.clone()))
        .clock(clock.clone())
        .on_event(move |event| {
            if let Event::Failed { retry_after, .. } = event {
                told.lock().unwrap().extend(*retry_after);
            }
        })
        .build();
    let error = node.manage([NAME]).await.unwrap_err();
    assert!(matches!(error, Error::Acme(_)) && !error.is_retryable(), "{error:?}");
    for pause in [60, 120] {
        assert_eq!(pauses.lock().unwrap().pop(), Some(Duration::from_secs(pause)));
        let orders = ca.pebble.orders();
        clock.advance(Duration::from_secs(pause - 1));
        node.renew_managed_certificates().await;
        assert_eq!(ca.pebble.orders(), orders, "the pause is kept");
        clock.advance(Duration::from_secs(1));
        if pause == 120 {
            break;
        }
        node.renew_managed_certificates().await;
        assert_eq!(ca.pebble.orders(), orders + 1);
    }
    let _answered = ca.is_answered_by(&node).await;
    node.renew_managed_certificates().await;
    assert!(node.get_certificate(NAME).is_some());
    assert_eq!(ca.pebble.orders(), 3);
    assert!(pauses.lock().unwrap().is_empty());
    let left = world.storage.walk(&Dir::ROOT);
    let left: Vec<KeyInfo> = left.try_collect().await.unwrap();
    let left: Vec<String> = left.into_iter().map(|info| info.key.to_string()).collect();
    let rest = |word: &str| left.iter().filter(|key| key.contains(word)).count();
    assert_eq!(
        (rest("/orders/"), rest("/challenge_tokens/"), rest("/a.example.")),
        (0, 0, 3),
        "{left:?}"
    );
}

/// What each of such CAs leads to: an error of this kind, said once and in one line.
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_answers_nonsense_refuses_or_is_down_is_an_error_in_one_line() {
    const PROBLEM: &str = r#"{"type":"urn:ietf:params:acme:error:unauthorized","detail":"this account is closed\nfor ever"}"#;
    const LATER: &str = r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}"#;
    let html = "<html>It works!</html>";
    // What the directory, the nonces and the other URLs answer; whether it may be better later.
    let cases: [(&str, Vec<scripted::Answer>, bool); 9] = [
        ("the directory is a page", answers(&[("/dir", 200, html)]), true),
        ("the directory is empty", answers(&[("/dir", 200, "{}")]), true),
        ("the directory is missing", answers(&[("/dir", 404, "")]), true),
        ("there are no nonces", answers(&[("/nonce", 500, "")]), true),
        ("the account is a page", answers(&[("/account", 200, html)]), true),
        ("the account is refused", answers(&[("/account", 403, PROBLEM)]), false),
        ("the account is refused in a page", answers(&[("/account", 403, html)]), true),
        ("it wants to be left alone", answers(&[("/account", 429, LATER)]), true),
        ("it is down", answers(&[("", 0, "")]), true),
    ];
    for (what, answers, better_later) in cases {
        let world = World::new();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = lines.clone();
        let node = world
            .builder(world.issuer_at(&ca_that(answers)))
            .on_event(move |event| {
                if let Event::Failed { error, .. } = event {
                    told.lock().unwrap().push(certstore_core::one_line(*error));
                }
            })
            .build();
        let error = node.manage([NAME]).await.unwrap_err();
        assert!(matches!(error, Error::Acme(_)), "{what}: {error:?}");
        assert_eq!(error.is_retryable(), better_later, "{what}: {error:?}");
        let lines = lines.lock().unwrap().clone();
        assert!(matches!(&lines[..], [one] if !one.contains('\n')), "{what}: {lines:?}");
        assert!(node.get_certificate(NAME).is_none());
        assert!(world.storage.locks().await.unwrap().is_empty(), "{what}");
    }
}
