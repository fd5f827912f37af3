//! Bundles on an object store, which journals them, while every request of the writer but the first few goes wrong: as of
//! a writer that dies there.

use std::time::Duration;

use certstore::bundle::{BundleKeys, BundleMetadata, CertificateBundle};
use certstore::{Batch, Config, Fence, open};
use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3};
use rcgen::{CertificateParams, KeyPair};

/// More requests than any store of a bundle takes.
const MOST: u64 = 24;

/// A client; `timeout` is how long one waits for an answer, repetitions included.
fn config(server: &LoopbackS3, stamped: bool, timeout: &str) -> Config {
    let (region, endpoint) = (server.region(), server.endpoint());
    Config::from_toml(&format!(
        "[storage]\nbackend = \"s3\"\nbucket = \"{}\"\nregion = \"{region}\"\nendpoint = \"{endpoint}\"\n\
         access_key_id = \"{}\"\nsecret_access_key = \"{}\"\ntimeout = \"{timeout}\"\nstamped = {stamped}\n",
        server.bucket(),
        server.access_key(),
        server.secret_key()
    ))
    .expect("a config")
}

/// A bundle with a key of its own.
fn bundle(name: &str) -> CertificateBundle {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let chain = params.self_signed(&key).expect("signed").pem();
    let metadata = BundleMetadata::for_names([name]);
    CertificateBundle::new(chain, key.serialize_pem(), metadata).expect("they fit")
}

/// The writer dies at its `n`-th request, for every `n`: the set that a reader finds is the old one or the new one, and one
/// that was once the new one stays so.
async fn dies_at_every_request(effect: fn() -> Effect, stamped: bool) {
    let server = LoopbackS3::start().expect("it starts");
    let storage = open(&config(&server, stamped, "30s")).await.expect("opens");
    // What goes wrong is repeated until then.
    let writer = open(&config(&server, stamped, "1500ms")).await.expect("opens");
    assert_eq!(storage.capabilities().batch, Batch::Journalled);
    assert_eq!(storage.capabilities().fence != Fence::None, stamped);
    // The writer has looked at the server before anything goes wrong.
    let warm = BundleKeys::new("local", "warm.test").expect("keys");
    bundle("warm.test").store(&*writer, &warm).await.expect("stored");
    let (mut old, mut new, mut whole) = (0, 0, false);
    for passes in 0..MOST {
        let name = format!("site-{passes}.test");
        let keys = BundleKeys::new("local", &name).expect("keys");
        let (first, second) = (bundle(&name), bundle(&name));
        first.store(&*storage, &keys).await.expect("stored");
        // The lock is held before anything goes wrong.
        let guard = storage.lock(keys.lock()).await.expect("held");
        let fault = server.fault(Fault::new(effect()).skip(passes).always());
        let stored = second.store_under(&*writer, &keys, &guard).await;
        let struck = fault.fired() > 0;
        server.lift_faults();
        drop(guard);
        assert!(stored.is_err() || !struck, "at request {passes}: {stored:?}");
        let reader = open(&config(&server, stamped, "30s")).await.expect("opens");
        let found = CertificateBundle::load(&*reader, &keys).await.expect("a whole set");
        if found == first {
            assert!(stored.is_err() && new == 0, "at request {passes}: the old set, {stored:?}");
            old += 1;
        } else {
            assert_eq!(found, second, "at request {passes}: a set of neither");
            new += 1;
        }
        let again = CertificateBundle::load(&*storage, &keys).await.expect("a whole set");
        assert_eq!(again, found, "at request {passes}: what was read once stays");
        if stored.is_ok() {
            whole = true;
            break;
        }
    }
    assert!(whole && old > 0 && new >= 3, "{old} old, {new} new, whole: {whole}");
}

async fn dies(effect: fn() -> Effect, stamped: bool) {
    tokio::time::timeout(Duration::from_secs(240), dies_at_every_request(effect, stamped))
        .await
        .expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_dies_before_a_request_leaves_the_old_set_or_the_new_one() {
    dies(|| Effect::LoseRequest, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_dies_after_a_request_leaves_the_old_set_or_the_new_one() {
    dies(|| Effect::LoseReply, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_writer_that_dies_before_a_request_leaves_the_old_set_or_the_new_one() {
    dies(|| Effect::LoseRequest, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_writer_that_dies_after_a_request_leaves_the_old_set_or_the_new_one() {
    dies(|| Effect::LoseReply, true).await;
}
