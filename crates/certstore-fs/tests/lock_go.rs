//! Locks between certstore and Go's CertMagic, with the real CertMagic.

mod lock_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use certstore_core::{ErrorKind, FencingToken, Locker, LostReason};
use lock_support::{Log, NAME, Worker, name, open, work};
use rustix::process::Signal;
use tokio::time::{sleep, timeout};

#[test]
#[ignore = "the other tests run it as a process of its own"]
fn worker() {
    work();
}

/// The program `go/locks.go`, built once.
fn go_program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let temp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let program = temp.join("certmagic-locks");
        // Debian's packages are no modules. The cache lies beside the program: there may be no home directory.
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/locks.go"))
            .env("GO111MODULE", "off")
            .env("GOPATH", "/usr/share/gocode")
            .env("GOFLAGS", "")
            .env("GOCACHE", temp.join("go-cache"))
            .output();
        let built = built.unwrap_or_else(|error| panic!("go: {error}; run `cargo xtask setup`"));
        let message = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "run `cargo xtask setup`, then look at this: {message}");
        program
    })
}

/// A Go process with the locks of `root`.
fn go(root: &Path) -> Worker {
    let mut command = Command::new(go_program());
    command.arg(root).arg(NAME);
    Worker::of(command)
}

fn lock_file(root: &Path) -> PathBuf {
    root.join("locks").join(format!("{NAME}.lock"))
}

#[tokio::test]
async fn certstore_waits_for_go_and_is_woken_by_its_unlock() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = go(folder.path());
    assert_eq!(peer.ask("lock"), "ok");
    let storage = open(folder.path());
    assert!(storage.try_lock(&name()).await.unwrap().is_none());
    let info = &storage.locks().await.unwrap()[0];
    assert_eq!((info.token, info.alive), (None, None), "Go has no tokens: {info:?}");
    assert!(info.since.is_some() && info.renewed.is_some(), "{info:?}");
    let refused = storage.break_lock(&name(), FencingToken(0)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "it is fresh: {refused}");

    let waiting = tokio::spawn(async move { storage.lock(&name()).await.unwrap() });
    // Beyond a refresh of Go's: it writes the file in place.
    sleep(Duration::from_secs(6)).await;
    assert!(!waiting.is_finished());
    assert_eq!(peer.ask("unlock"), "ok");
    let lock = timeout(Duration::from_secs(5), waiting).await.expect("Go has unlocked").unwrap();
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn go_waits_for_certstore_beyond_its_own_limit() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let lock = storage.lock(&name()).await.unwrap();
    let waiting = tokio::task::spawn_blocking({
        let mut peer = go(folder.path());
        peer.send("lock");
        move || (peer.answer(), Instant::now(), peer)
    });
    // Go would call a file stale that is ten seconds old.
    sleep(Duration::from_secs(12)).await;
    lock.check().unwrap();
    assert!(!waiting.is_finished(), "the file is kept fresh");
    let unlocked = Instant::now();
    lock.unlock().await.unwrap();
    let (answer, acquired, _peer) = waiting.await.unwrap();
    assert_eq!(answer, "ok");
    assert!(acquired >= unlocked);
}

#[tokio::test]
async fn certstore_takes_over_from_a_killed_go_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = go(folder.path());
    assert_eq!(peer.ask("lock"), "ok");
    peer.kill();
    let killed = Instant::now();
    let storage = open(folder.path());
    let lock = timeout(Duration::from_secs(20), storage.lock(&name()))
        .await
        .expect("it is stale")
        .unwrap();
    assert!(
        killed.elapsed() >= Duration::from_secs(10),
        "not before Go would: {:?}",
        killed.elapsed()
    );
    lock.check().unwrap();
    lock.unlock().await.unwrap();
    assert!(!lock_file(folder.path()).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn go_and_certstore_contend_without_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contend.log");
    let mut log = Log::open(&path);
    let (mut go_peer, mut finished) = (go(folder.path()), 0);
    go_peer.send(&format!("rounds 4 {}", path.display()));
    let peers = tokio::task::spawn_blocking(move || (go_peer.answer(), go_peer));
    let storage = open(folder.path());
    while !peers.is_finished() || finished < 20 {
        let lock = storage.lock(&name()).await.unwrap();
        log.write("enter", std::process::id(), lock.token().0);
        sleep(Duration::from_millis(3)).await;
        lock.check().unwrap();
        log.write("exit", std::process::id(), lock.token().0);
        lock.unlock().await.unwrap();
        finished += 1;
        // Go looks once a second, and must find it free some time.
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(peers.await.unwrap().0, "ok");
    let summary = log.check();
    assert_eq!((summary.finished, summary.inside), (finished + 4, None));
}

#[tokio::test]
async fn what_go_has_left_is_taken_by_its_own_rules_and_no_sooner() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let old = "2026-01-02T03:04:05.678+01:00";
    let whole = format!("{{\"created\":\"{old}\",\"updated\":\"{old}\"}}\n");
    let cases = [("empty", "", 2.0), ("cut", &whole[..30], 12.0), ("stale", &whole, 12.0)];
    fs::create_dir(folder.path().join("locks")).unwrap();
    let mut waiting = Vec::new();
    for (lock, content, seconds) in cases {
        fs::write(folder.path().join(format!("locks/{lock}.lock")), content).unwrap();
        let storage = storage.clone();
        waiting.push(tokio::spawn(async move {
            let started = Instant::now();
            assert!(storage.try_lock(&lock.parse().unwrap()).await.unwrap().is_none(), "{lock}");
            let guard = storage.lock(&lock.parse().unwrap()).await.unwrap();
            let waited = started.elapsed().as_secs_f64();
            assert!((seconds..seconds + 4.0).contains(&waited), "{lock}: {waited} s");
            guard.check().unwrap();
            guard.unlock().await.unwrap();
        }));
    }
    for waiting in waiting {
        timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap();
    }
    let left: Vec<_> = storage.locks().await.unwrap();
    assert_eq!(left, []);
}

#[tokio::test]
async fn a_stale_go_lock_is_broken_by_token_zero() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    fs::create_dir(folder.path().join("locks")).unwrap();
    fs::write(lock_file(folder.path()), r#"{"created":"2026-01-02T03:04:05Z"}"#).unwrap();
    let wrong = storage.break_lock(&name(), FencingToken(1)).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Conflict);
    storage.break_lock(&name(), FencingToken(0)).await.unwrap();
    assert!(!lock_file(folder.path()).exists());
}

#[tokio::test]
async fn a_left_over_refresher_of_go_changes_our_file_but_not_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = go(folder.path());
    assert_eq!((peer.ask("lock"), peer.ask("unlock")), ("ok".to_owned(), "ok".to_owned()));
    let storage = open(folder.path());
    // Go's refresh then comes a second before ours, which makes the file whole again.
    sleep(Duration::from_secs(1)).await;
    let lock = storage.lock(&name()).await.unwrap();
    let ours = || {
        fs::read_to_string(lock_file(folder.path())).is_ok_and(|body| body.contains("\"owner\""))
    };
    assert!(ours());
    let mut rewritten = false;
    for _ in 0..600 {
        sleep(Duration::from_millis(10)).await;
        rewritten |= !ours();
        assert!(lock.check().is_ok(), "the inode is ours");
    }
    assert!(rewritten, "Go's refresher wakes five seconds after its lock");
    assert!(ours(), "our refresh has made it whole again");
    assert_eq!(storage.locks().await.unwrap()[0].token, Some(lock.token()));
    lock.unlock().await.unwrap();
    assert!(!lock_file(folder.path()).exists());
}

#[tokio::test]
async fn a_holder_stopped_for_too_long_loses_the_lock_to_go_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = Worker::start(folder.path());
    let _token: u64 = holder.ask("lock").parse().unwrap();
    let mut peer = go(folder.path());
    holder.signal(Signal::STOP);
    let (answer, mut peer) =
        tokio::task::spawn_blocking(move || (peer.ask("lock"), peer)).await.unwrap();
    assert_eq!(answer, "ok", "Go calls the file stale after ten seconds");
    holder.signal(Signal::CONT);
    let answer = holder.ask("check");
    assert!(answer == "unavailable" || answer == "lock lost", "never held: {answer}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(holder.ask("check"), "lock lost");
    assert_eq!(holder.ask("unlock"), "lock lost");
    assert!(lock_file(folder.path()).exists(), "it is Go's");
    assert_eq!(peer.ask("unlock"), "ok");
}

#[tokio::test]
async fn a_lock_file_deleted_by_hand_is_a_loss_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let lock = storage.lock(&name()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    fs::remove_file(lock_file(folder.path())).unwrap();
    let reason = timeout(Duration::from_secs(2), lock.lost()).await.expect("the event is seen");
    assert_eq!(reason, LostReason::Stolen);
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    drop(storage.try_lock(&name()).await.unwrap().expect("it is free"));
}

#[tokio::test]
async fn the_lock_file_is_what_go_writes() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let before = SystemTime::now();
    let lock = storage.lock(&name()).await.unwrap();
    let bytes = fs::read(lock_file(folder.path())).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(bytes.last(), Some(&b'\n'));
    assert_eq!(json["token"], lock.token().0);
    assert_eq!(json["created"], json["updated"]);
    let info = &storage.locks().await.unwrap()[0];
    assert!(info.since.unwrap() >= before && info.renewed.unwrap() <= SystemTime::now());
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&lock_file(folder.path())) & 0o600, 0o600);
    assert_eq!(mode(&folder.path().join("locks")), 0o700);
    assert_eq!(mode(&folder.path().join(format!("locks/.{NAME}.guard"))), 0o600);
    lock.unlock().await.unwrap();
}
