//! Full disks, failing syncs and renames: the old value stands, nothing is left over, and the error says what to do.
//!
//! The faults are the kernel's own (a small tmpfs in a private mount namespace) or put in by `strace`. Both need a process
//! of their own: the test calls itself again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use certstore_core::{Condition, ErrorKind, Fence, Locker, Storage, VersionKind};

use crate::common::{key, name, names, open};

/// Set in the process that the test calls itself in: the directory to work in.
const INSIDE: &str = "CERTSTORE_TEST_INSIDE";

#[tokio::test]
async fn a_full_disk_keeps_the_old_value() {
    if let Some(root) = inside() {
        let storage = open(&root);
        let (at, old) = (key("a/b"), vec![1_u8; 4096]);
        storage.store(&at, &old).await.unwrap();
        let ballast = root.join("ballast");
        fs::write(&ballast, vec![0_u8; 600 * 1024]).unwrap();
        let error = storage.store(&at, &vec![2_u8; 700 * 1024]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.is_retryable() && !error.may_have_applied(), "{error:?}");
        assert!(
            error.to_string().contains("no space left on the device; free some and retry"),
            "{error}"
        );
        assert_eq!(storage.load(&at).await.unwrap(), old);
        assert_eq!(names(&root.join("a")), ["b"]);
        fs::remove_file(ballast).unwrap();
        storage.store(&at, &vec![2_u8; 700 * 1024]).await.unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=1m,mode=700 tmpfs \"$0\" && exec \"$@\"";
    let user = if rustix::process::geteuid().is_root() { "--mount" } else { "-rm" };
    let mut command = Command::new("unshare");
    command.args([user, "sh", "-c", mount]).arg(dir.path());
    passes(command, dir.path(), "faults::a_full_disk_keeps_the_old_value");
}

#[tokio::test]
async fn without_extended_attributes_versions_are_of_the_content_and_nothing_is_fenced() {
    if let Some(root) = inside() {
        let storage = open(&root);
        let capabilities = storage.capabilities();
        assert_eq!(capabilities.version, VersionKind::Content);
        assert_eq!(capabilities.fence, Fence::None);
        let at = key("a/b");
        let one = storage.store(&at, b"1").await.unwrap();
        assert_eq!(storage.stat(&at).await.unwrap().version, Some(one.clone()));
        assert_eq!(storage.load_versioned(&at).await.unwrap().version, one);
        storage.store_if(&at, b"2", &Condition::Version(one.clone())).await.unwrap();
        let late = storage.store_if(&at, b"3", &Condition::Version(one.clone())).await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Conflict);
        assert_eq!(storage.store(&at, b"1").await.unwrap(), one);
        let lock = storage.lock(&name("job")).await.unwrap();
        for refused in [
            storage.store_fenced(&at, b"3", &lock).await.unwrap_err(),
            storage.delete_fenced(&at, &lock).await.unwrap_err(),
        ] {
            assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused:?}");
            assert!(refused.to_string().contains("extended attributes"), "{refused}");
        }
        assert_eq!(&storage.load(&at).await.unwrap()[..], b"1");
        lock.unlock().await.unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = "mount -t ramfs -o mode=700 ramfs \"$0\" && exec \"$@\"";
    let test =
        "faults::without_extended_attributes_versions_are_of_the_content_and_nothing_is_fenced";
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", mount]).arg(dir.path());
        passes(command, dir.path(), test);
    } else {
        // Only root may mount a ramfs, and nobody needs root to see that an attribute cannot be asked for.
        with_fault("fgetxattr:error=EOPNOTSUPP:when=1+", test);
    }
}

#[tokio::test]
async fn a_failed_sync_of_the_value_keeps_the_old_one_and_is_not_repeated() {
    if let Some(root) = inside() {
        return fails_and_keeps_old(&root).await;
    }
    let trace = with_fault(
        "fsync:error=EIO:when=1+",
        "faults::a_failed_sync_of_the_value_keeps_the_old_one_and_is_not_repeated",
    );
    assert_eq!(trace.matches("fsync(").count(), 1, "{trace}");
    assert!(!trace.contains("rename"), "{trace}");
}

#[tokio::test]
async fn a_failed_rename_keeps_the_old_value() {
    if let Some(root) = inside() {
        return fails_and_keeps_old(&root).await;
    }
    with_fault(
        "renameat,renameat2,rename:error=EIO:when=1+",
        "faults::a_failed_rename_keeps_the_old_value",
    );
}

#[tokio::test]
async fn a_failed_write_keeps_the_old_value() {
    if let Some(root) = inside() {
        return fails_and_keeps_old(&root).await;
    }
    with_fault("fsetxattr:error=EIO:when=1+", "faults::a_failed_write_keeps_the_old_value");
}

#[tokio::test]
async fn a_failed_sync_of_the_directory_may_have_applied() {
    if let Some(root) = inside() {
        let error = open(&root).store(&key("a/b"), b"new").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.may_have_applied(), "{error:?}");
        assert_eq!(names(&root.join("a")), ["b"]);
        return;
    }
    // The first fsync is the value's, the second the directory's.
    with_fault("fsync:error=EIO:when=2", "faults::a_failed_sync_of_the_directory_may_have_applied");
}

#[tokio::test]
async fn a_root_that_may_not_be_written_is_permission_denied() {
    if let Some(root) = inside() {
        let storage = open(&root);
        assert_eq!(&storage.load(&key("a/b")).await.unwrap()[..], b"old");
        for error in [
            storage.store(&key("a/b"), b"new").await.unwrap_err(),
            storage.store(&key("new"), b"new").await.unwrap_err(),
            storage.delete(&key("a/b")).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
            assert!(error.to_string().contains("read-only"), "{error}");
        }
        assert_eq!(&storage.load(&key("a/b")).await.unwrap()[..], b"old");
        return;
    }
    let dir = prepared().await;
    let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let user = if rustix::process::geteuid().is_root() { "--mount" } else { "-rm" };
    let mut command = Command::new("unshare");
    command.args([user, "sh", "-c", mount]).arg(dir.path());
    passes(command, dir.path(), "faults::a_root_that_may_not_be_written_is_permission_denied");
}

#[tokio::test]
async fn another_users_directory_is_permission_denied() {
    if let Some(root) = inside() {
        let error = certstore_fs::FsStorage::open(&certstore_fs::FsConfig::new(root.join("a")))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
        return;
    }
    let dir = prepared().await;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let directory = dir.path().join("a");
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        // Its own binary must be there for that user too.
        let program = dir.path().join("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        command.arg(program);
        outcome(
            command
                .args(arguments("faults::another_users_directory_is_permission_denied"))
                .env(INSIDE, dir.path()),
        );
    } else {
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o000)).unwrap();
        let error =
            certstore_fs::FsStorage::open(&certstore_fs::FsConfig::new(&directory)).unwrap_err();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    }
}

pub(crate) fn inside() -> Option<PathBuf> {
    std::env::var_os(INSIDE).map(PathBuf::from)
}

async fn fails_and_keeps_old(root: &Path) {
    let storage = open(root);
    let error = storage.store(&key("a/b"), b"new").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
    assert_eq!(&storage.load(&key("a/b")).await.unwrap()[..], b"old");
    assert_eq!(names(&root.join("a")), ["b"], "the temporary file is still there");
}

/// A directory with an old value, and with all that a second store does not make again.
async fn prepared() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).store(&key("a/b"), b"old").await.unwrap();
    dir
}

/// Runs `test` with an old value under `strace` with a fault, and gives what was traced.
fn with_fault(fault: &str, test: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("root")).unwrap();
    let root = dir.path().join("root");
    fs::create_dir(root.join("a")).unwrap();
    fs::write(root.join("a/b"), "old").unwrap();
    let trace = dir.path().join("trace");
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "-e",
        "trace=fsync,fsetxattr,fgetxattr,rename,renameat,renameat2",
        "-e",
    ]);
    command.arg(format!("inject={fault}")).arg("-o").arg(&trace);
    passes(command, &root, test);
    fs::read_to_string(trace).unwrap()
}

pub(crate) fn passes(mut command: Command, root: &Path, test: &str) {
    command.arg(std::env::current_exe().unwrap());
    outcome(command.args(arguments(test)).env(INSIDE, root));
}

fn arguments(test: &str) -> [&str; 4] {
    [test, "--exact", "--nocapture", "--test-threads=1"]
}

fn outcome(command: &mut Command) {
    let program = command.get_program().to_string_lossy().into_owned();
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| {
        panic!("{program}: {error}; install it (Debian: apt-get install strace util-linux)")
    });
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
}
