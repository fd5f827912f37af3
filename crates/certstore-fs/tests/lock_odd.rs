//! Odd files among the lock files: planted links, directories, somebody stopped elsewhere.

mod lock_support;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::Duration;

use certstore_core::{ErrorKind, Locker};
use lock_support::{NAME, name, open};
use tokio::time::timeout;

#[tokio::test]
async fn odd_lock_files_hide_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let held = storage.lock(&name()).await.unwrap();
    let locks = folder.path().join("locks");
    symlink("/etc/hostname", locks.join("link.lock")).unwrap();
    fs::create_dir(locks.join("directory.lock")).unwrap();
    let listed = storage.locks().await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0].token, Some(held.token()));
}

/// As root, writing or giving away what the link leads to would be somebody else's loss.
#[tokio::test]
async fn a_planted_hard_link_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    storage.lock(&name()).await.unwrap().unlock().await.unwrap();
    let guard = folder.path().join(format!("locks/.{NAME}.guard"));
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    fs::remove_file(&guard).unwrap();
    fs::hard_link(&precious, &guard).unwrap();
    let refused = open(folder.path()).lock(&name()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
}

/// One that is stopped in a fenced write has the stripe of its lock's name, which other names share.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_lock_waits_for_fenced_writes_too() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    storage.lock(&name()).await.unwrap().unlock().await.unwrap();
    let mut stripes = Vec::new();
    for number in 0..64 {
        let stripe = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.path().join(format!("locks/.fence-{number:02}")))
            .unwrap();
        stripe.try_lock().unwrap();
        stripes.push(stripe);
    }
    let job = name();
    timeout(Duration::from_secs(60), storage.lock(&job))
        .await
        .expect_err("it waits, it does not fail");
    let tried = storage.try_lock(&name()).await.unwrap_err();
    assert_eq!(tried.kind(), ErrorKind::Unavailable, "{tried}");
    drop(stripes);
    storage.lock(&name()).await.unwrap().unlock().await.unwrap();
}
