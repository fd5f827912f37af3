use std::os::unix::fs::{PermissionsExt, symlink};

use certstore_core::{ErrorKind, SystemClock};

use super::*;

/// The same root, resolved in each way that this system has.
fn roots(path: &Path) -> Vec<Root> {
    let open = || Root::open(path, false, Arc::new(SystemClock)).unwrap();
    let mut components = open();
    components.resolver = Resolver::Components;
    vec![open(), components]
}

fn errno<T: fmt::Debug>(result: io::Result<T>) -> Errno {
    Errno::from_io_error(&result.unwrap_err()).unwrap()
}

#[test]
fn nothing_outside_is_reached_and_no_link_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
    for dir in [&root, &outside, &root.join("a")] {
        std::fs::create_dir(dir).unwrap();
    }
    std::fs::write(outside.join("secret"), "s").unwrap();
    std::fs::write(root.join("a/value"), "v").unwrap();
    symlink(&outside, root.join("out")).unwrap();
    symlink("../outside/secret", root.join("file")).unwrap();
    symlink("a", root.join("inside")).unwrap();
    symlink("/proc/self/root", root.join("magic")).unwrap();
    for root in roots(&root) {
        assert!(root.open_file("a/value").is_ok(), "{root:?}");
        for link in ["out/secret", "file", "inside/value", "magic/etc/passwd", "out"] {
            assert_eq!(errno(root.open_file(link)), Errno::LOOP, "{link} by {root:?}");
            assert_eq!(errno(root.open_dir(link)), Errno::LOOP, "{link} by {root:?}");
            assert_eq!(
                errno(root.make_dirs(&format!("{link}/new"))),
                Errno::LOOP,
                "{link} by {root:?}"
            );
        }
        let stat = root.stat("file").unwrap();
        assert_eq!(FileType::from_raw_mode(stat.st_mode), FileType::Symlink, "{root:?}");
        assert_eq!(errno(root.stat("out/secret")), Errno::LOOP, "{root:?}");
    }
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1, "something was made outside");
}

#[test]
fn both_resolvers_tell_what_is_missing_and_what_is_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("value"), "v").unwrap();
    for root in roots(dir.path()) {
        for missing in ["b", "b/c"] {
            assert_eq!(errno(root.open_file(missing)), Errno::NOENT, "{root:?}");
            assert_eq!(errno(root.open_dir(missing)), Errno::NOENT, "{root:?}");
            assert_eq!(errno(root.stat(missing)), Errno::NOENT, "{root:?}");
        }
        assert_eq!(errno(root.open_file("value/below")), Errno::NOTDIR, "{root:?}");
        assert_eq!(errno(root.open_dir("value")), Errno::NOTDIR, "{root:?}");
        assert_eq!(errno(root.make_dirs("value/below")), Errno::NOTDIR, "{root:?}");
        assert_eq!(errno(root.make_dirs("value")), Errno::NOTDIR, "{root:?}");
    }
}

#[test]
fn a_pipe_does_not_block() {
    let dir = tempfile::tempdir().unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("pipe"), FileType::Fifo, FILE_MODE, 0)
        .unwrap();
    for root in roots(dir.path()) {
        let opened = root.open_file("pipe").unwrap();
        let stat = rustix::fs::fstat(opened).unwrap();
        assert_eq!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo);
    }
}

#[test]
fn directories_are_made_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("x/root");
    let opened = Root::open(&root, true, Arc::new(SystemClock)).unwrap();
    opened.make_dirs("a/b/c").unwrap();
    opened.locks_dir().unwrap();
    for made in ["x", "x/root", "x/root/a", "x/root/a/b", "x/root/a/b/c", "x/root/locks"] {
        let mode = std::fs::metadata(dir.path().join(made)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700, "{made}");
    }
}

#[test]
fn a_root_behind_a_link_is_resolved_once() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other, link) =
        (dir.path().join("one"), dir.path().join("other"), dir.path().join("link"));
    std::fs::create_dir(&one).unwrap();
    std::fs::create_dir(&other).unwrap();
    symlink(&one, &link).unwrap();
    let root = Root::open(&link, true, Arc::new(SystemClock)).unwrap();
    assert_eq!(root.path(), one.canonicalize().unwrap());
    std::fs::remove_file(&link).unwrap();
    symlink(&other, &link).unwrap();
    root.make_dirs("a").unwrap();
    assert!(one.join("a").is_dir() && !other.join("a").exists());
}

#[test]
fn a_root_that_cannot_be_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    std::fs::write(&file, "").unwrap();
    symlink(dir.path().join("nowhere"), &link).unwrap();
    let table = [
        (file.clone(), true, "no directory"),
        (file.join("below"), true, "no directory"),
        (dir.path().join("missing"), false, "does not exist"),
        (link, true, "link to nothing"),
    ];
    for (path, create, hint) in table {
        let error = Root::open(&path, create, Arc::new(SystemClock)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}
