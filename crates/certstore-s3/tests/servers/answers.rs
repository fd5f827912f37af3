//! Answers that only some servers give.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use certstore_core::{ErrorKind, Storage as _};

use crate::canned::{Canned, Request, error, list};
use crate::rig::{key, open, refused, soon};

/// A directory of 40 values, its batches answered by `batch`; what is left.
async fn deleting(
    batch: impl Fn(&Request) -> Option<(u16, &'static str, String)> + Send + Sync + 'static,
) -> (certstore_core::Result<()>, usize, u64) {
    let names: BTreeSet<String> = (0..40).map(|n| format!("p/dir/{n}")).collect();
    let left = Arc::new(Mutex::new(names));
    let batches = Arc::new(AtomicU64::new(0));
    let (kept, sent) = (left.clone(), batches.clone());
    let server = Canned::start(move |request| {
        let mut kept = kept.lock().expect("the test can go on");
        let name = request
            .target
            .split('?')
            .next()
            .expect("the test can go on")
            .trim_start_matches("/bucket/");
        match request.method.as_str() {
            "GET" if request.target.contains("list-type") => {
                let below = request.target.contains("prefix=p%2Fdir%2F");
                list(&kept.iter().filter(|_| below).cloned().collect::<Vec<_>>())
            }
            "GET" | "HEAD" => error(404, "NoSuchKey"),
            "DELETE" => {
                kept.remove(name);
                (204, "", String::new())
            }
            _ if request.is_batch() => {
                sent.fetch_add(1, Ordering::SeqCst);
                let reply = batch(request);
                if reply.is_none() {
                    kept.retain(|name| !request.body.contains(&format!("<Key>{name}</Key>")));
                }
                reply.unwrap_or((200, "", "<DeleteResult/>".to_owned()))
            }
            other => panic!("{other} {}", request.target),
        }
    })
    .await;
    let deleted = soon(open(&server.config()).await.delete(&key("dir"))).await;
    let left = left.lock().expect("the test can go on").len();
    (deleted, left, batches.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_server_without_batches_deletes_one_by_one() {
    for (status, code) in [(501, "NotImplemented"), (400, "InvalidRequest")] {
        let (deleted, left, batches) = deleting(move |_| Some(error(status, code))).await;
        deleted.expect("the test can go on");
        assert_eq!((left, batches), (0, 1), "{code}");
    }
}

#[tokio::test]
async fn a_refusal_for_another_reason_does_not_turn_batches_off() {
    let (deleted, left, batches) = deleting(|_| Some(error(400, "ExpiredToken"))).await;
    refused(deleted, ErrorKind::PermissionDenied);
    assert_eq!((left, batches), (40, 1));
}

#[tokio::test]
async fn objects_that_a_server_had_no_time_for_are_sent_again() {
    let first = AtomicU64::new(0);
    let (deleted, left, batches) = deleting(move |_| {
        let failed = "<Error><Key>p/dir/7</Key><Code>InternalError</Code></Error>";
        let reply = (200, "", format!("<DeleteResult>{failed}</DeleteResult>"));
        (first.fetch_add(1, Ordering::SeqCst) == 0).then_some(reply)
    })
    .await;
    deleted.expect("the test can go on");
    // The first batch is answered without doing anything; the second is of the one that was named.
    assert_eq!((left, batches), (39, 2));
    let failed = "<Error><Key>p/dir/7</Key><Code>SlowDown</Code></Error>";
    let reply = (200, "", format!("<DeleteResult>{failed}</DeleteResult>"));
    let (deleted, _, batches) = deleting(move |_| Some(reply.clone())).await;
    refused(deleted, ErrorKind::Unavailable);
    assert_eq!(batches, 2);
}

#[tokio::test]
async fn a_store_without_etags_may_have_stored() {
    let server = Canned::start(|request| match request.method.as_str() {
        "GET" => list(&[]),
        _ => (200, "", String::new()),
    })
    .await;
    let stored = soon(open(&server.config()).await.store(&key("a"), b"x")).await;
    assert!(refused(stored, ErrorKind::Unsupported).may_have_applied());
}

#[tokio::test]
async fn what_is_too_long_to_be_a_value_is_not_read() {
    let server = Canned::start(|request| match request.target.contains("list-type") {
        true => list(&[]),
        // The body would never come.
        false => (200, "etag: \"e\"\r\ncontent-length: 99999999999\r\n", String::new()),
    })
    .await;
    let storage = open(&server.config()).await;
    let error = refused(soon(storage.load(&key("a"))).await, ErrorKind::TooLarge);
    assert!(error.to_string().contains("99999999999"), "{error}");
}
