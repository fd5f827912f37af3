//! What the probe finds on radosgw, the S3 gateway of Ceph, whose conditional requests have ways of their own.

#[path = "support/site.rs"]
mod site;

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use certstore_conformance::servers::shared_radosgw;
use certstore_core::{Cas, ErrorKind, Key, Locker as _, Storage as _};
use certstore_s3::{Probing, S3Storage};
use site::{Site, all_of};

fn radosgw() -> Site {
    Site::from(shared_radosgw().expect("the gateway starts").account())
}

#[tokio::test]
async fn locks_are_proven_with_bare_etags_and_deletes_are_not() {
    let mut config = radosgw().config("probe");
    config.probe = Probing::Open;
    let storage = S3Storage::open(&config).await.expect("the gateway answers");
    let report = storage.probe().await.expect("it was probed");
    assert!(report.can_lock() && !report.quoted_etags, "{report:?}");
    let fault = report.delete.expect("radosgw ignores conditions of deletes");
    assert!(fault.contains("delete on another version"), "{fault}");
    assert_eq!(storage.capabilities().cas, Cas::CreateOnly);
    let name = "job".parse().expect("a lock name");
    let lock = storage.lock(&name).await.expect("the lock is free");
    assert!(storage.try_lock(&name).await.expect("an answer").is_none());
    lock.unlock().await.expect("it is held");
}

#[tokio::test]
async fn a_bucket_with_versions_is_refused_for_locks() {
    let mut site = radosgw();
    let raw = site.raw();
    site.bucket = "with-versions".to_owned();
    raw.create_bucket().bucket(&site.bucket).send().await.expect("a bucket can be made");
    let enabled =
        VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let versioning = raw.put_bucket_versioning().bucket(&site.bucket);
    versioning.versioning_configuration(enabled).send().await.expect("it keeps versions now");

    let storage = S3Storage::open(&site.config("probe")).await.expect("the gateway answers");
    let error = storage.lock(&"job".parse().expect("a name")).await.expect_err("not safe here");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("[storage.lock]"), "{}", all_of(&error));
    let key = Key::new("a/b").expect("a key");
    storage.store(&key, b"value").await.expect("plain writes work");
    assert_eq!(storage.load(&key).await.expect("and reads"), "value");
    assert_eq!(site.objects("probe/").await, ["probe/a/b"]);
}
