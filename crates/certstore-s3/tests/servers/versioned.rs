//! A bucket that keeps versions: deletes leave markers, and a marker is nothing.

use certstore_core::{Condition, Dir, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, open, refused};

#[tokio::test]
async fn everything_works_on_the_newest_version() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.bucket = rig.server.versioned_bucket().to_owned();
    let storage = open(&config).await;
    let at = key("a/b");
    for round in 0..3 {
        let version = storage.store_if(&at, b"created", &Condition::Absent).await.unwrap();
        refused(storage.store_if(&at, b"x", &Condition::Absent).await, ErrorKind::Conflict);
        let next =
            storage.store_if(&at, b"changed", &Condition::Version(version.clone())).await.unwrap();
        refused(
            storage.store_if(&at, b"x", &Condition::Version(version)).await,
            ErrorKind::Conflict,
        );
        if round == 1 {
            storage.delete_if(&at, &next).await.unwrap();
        } else {
            storage.delete(&key("a")).await.unwrap();
        }
        refused(storage.load(&at).await, ErrorKind::NotFound);
        assert!(storage.list(&Dir::ROOT, true).await.unwrap().is_empty());
        let lock = storage.lock(&name("job")).await.unwrap();
        lock.check().unwrap();
        lock.unlock().await.unwrap();
    }
}
