//! What users get wrong: one line that says what to do, the exit code of the design, and nothing changed.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::support::{Ran, Sandbox};

#[test]
fn bad_keys_are_2_before_anything_is_touched() {
    let sandbox = Sandbox::new();
    let long = "c".repeat(300);
    for (key, part) in [
        ("../etc/passwd", "\"..\""),
        ("a/../b", "\"..\""),
        ("a/./b", "\".\""),
        ("/a", "slash"),
        ("a/", "slash"),
        ("a//b", "empty component"),
        ("", "empty"),
        ("a b", "characters"),
        ("ä", "characters"),
        ("a\nb", "characters"),
        ("a\u{1b}[31m", "characters"),
        (long.as_str(), "231 bytes"),
        ("locks/x", "reserved"),
        ("a.", "dot"),
    ] {
        for command in [&["get", key][..], &["rm", "-r", key], &["stat", key], &["exists", key]] {
            sandbox.run(command).fails(2, &[part]);
        }
        sandbox.run_with(&["put", key], b"value").fails(2, &[part]);
        if !key.is_empty() {
            sandbox.run(&["ls", key]).fails(2, &[part]);
            sandbox.run(&["copy", "--to", "memory:", key]).fails(2, &[part]);
        }
    }
    assert!(!sandbox.path("store").exists(), "the storage was not even opened");
    let not_utf8 = std::ffi::OsStr::from_bytes(b"a\xff");
    let ran = Ran::of(sandbox.command().args(["--storage", "memory:", "get"]).arg(not_utf8));
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn bad_lock_names_are_2() {
    let sandbox = Sandbox::new();
    sandbox.run(&["lock", "", "--", "true"]).fails(2, &["lock name"]);
    sandbox.run(&["lock", &"n".repeat(600), "--", "true"]).fails(2, &["512"]);
    sandbox.run(&["unlock", "", "--force", "--token", "1"]).fails(2, &["lock name"]);
}

#[test]
fn bad_configs_are_2_and_name_the_nearest_key() {
    let sandbox = Sandbox::new();
    let config = |toml: &str| {
        sandbox.write("c.toml", toml);
        Ran::of(sandbox.command().args(["--config", "c.toml", "ls"]))
    };
    config("[storage]\nbackend = \"fs\"\npaht = \"x\"")
        .fails(2, &["c.toml", "\"paht\"", "nearest is \"path\""]);
    config("[storage]\npath = \"a\\u0000b\"").fails(2, &["path"]);
    config("[storage.seal]\nkeyset = \"k.json\"").fails(2, &["k.json", "certstore keyset create"]);
    config("[storage").fails(2, &["line 1 is not TOML"]);
    config("[storage]\nbackend = \"s3\"").fails(2, &["s3", "no bucket is given"]);
    config("[storage]\nbackend = \"gopher\"").fails(2, &["\"gopher\""]);
    Ran::of(sandbox.command().args(["--config", "none.toml", "ls"]))
        .fails(2, &["none.toml", "cannot be read"]);
    Ran::of(sandbox.command().args(["--storage", "file:///x?pth=1", "ls"]))
        .fails(2, &["\"pth\"", "\"path\""]);
    Ran::of(sandbox.command().arg("ls").env("CERTSTORE_STORAGE_PAHT", "x"))
        .fails(2, &["CERTSTORE_STORAGE_PATH"]);
    Ran::of(sandbox.command().arg("ls").env_remove("HOME")).fails(2, &["no home directory"]);
    let secret = Ran::of(sandbox.command().args(["--storage", "file://u:hunter2@h/x", "ls"]))
        .fails(2, &["password"]);
    assert!(!secret.err.contains("hunter2"));
    let both =
        Ran::of(sandbox.command().args(["--storage", "memory:", "--config", "c.toml", "ls"]));
    assert_eq!(both.code, Some(2));
}

#[test]
fn configs_are_found_in_their_order() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "in/store"], b"1").ok();
    let ls = |command: &mut Command| Ran::of(command.args(["ls", "-r"])).ok().text().to_owned();
    assert_eq!(ls(&mut sandbox.command()), "", "the default storage is empty");
    assert!(sandbox.path("home/.local/share/certstore").is_dir());
    sandbox.write("certstore.toml", "[storage]\npath = \"store\"\n");
    assert_eq!(ls(&mut sandbox.command()), "in\nin/store\n");
    sandbox.write("empty.toml", "[storage]\nbackend = \"memory\"\n");
    assert_eq!(ls(sandbox.command().env("CERTSTORE_CONFIG", "empty.toml")), "");
    let path = sandbox.path("store");
    assert_eq!(
        ls(sandbox
            .command()
            .env("CERTSTORE_CONFIG", "empty.toml")
            .env("CERTSTORE_STORAGE_URL", sandbox.url("store"))),
        "in\nin/store\n"
    );
    assert_eq!(ls(sandbox.command().args(["--config", "empty.toml"])), "");
    assert_eq!(
        ls(sandbox.command().args(["--storage", "memory:"]).env("CERTSTORE_STORAGE_PATH", path)),
        ""
    );
}

#[test]
fn locks_may_come_from_another_storage() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "c.toml",
        "[storage]\npath = \"values\"\n[storage.lock]\nbackend = \"fs\"\npath = \"locker\"\n",
    );
    Ran::of(sandbox.command().args(["-c", "c.toml", "lock", "job", "--", "true"])).ok();
    assert!(sandbox.path("locker/locks").is_dir());
    let guards = std::fs::read_dir(sandbox.path("values/locks")).map(|entries| {
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("job"))
            .count()
    });
    assert!(guards.is_ok_and(|count| count == 0) || !sandbox.path("values/locks").exists());
}

#[test]
fn a_directory_that_is_a_file_cannot_be_written() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("store", "I am a file");
    for command in [
        &["ls"][..],
        &["get", "a"],
        &["rm", "a"],
        &["lock", "job", "--", "touch", "ran"],
        &["certs"],
        &["verify"],
    ] {
        let ran = sandbox.run(command);
        assert!(matches!(ran.code, Some(1 | 2)), "{command:?}: {ran:?}");
        ran.fails_somehow();
    }
    sandbox.run_with(&["put", "a"], b"1").fails_somehow();
    assert_eq!(std::fs::read(file).unwrap(), b"I am a file");
    assert!(!sandbox.path("ran").exists());
}

impl Ran {
    /// It failed with one line.
    #[track_caller]
    fn fails_somehow(self) {
        let code = self.code.unwrap();
        assert_ne!(code, 0, "{self:?}");
        self.fails(code, &[]);
    }
}

#[test]
fn a_file_of_the_user_that_is_not_there_is_1() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a", "no-such-file"]).fails(1, &["cannot read no-such-file"]);
    sandbox.run(&["exists", "a"]).fails_quietly(3);
}

impl Ran {
    #[track_caller]
    fn fails_quietly(self, code: i32) {
        assert_eq!((self.code, self.err.as_str()), (Some(code), ""), "{self:?}");
    }
}

/// Runs a script in a mount namespace of its own; `None` where this user may not make one.
fn in_mount_namespace(sandbox: &Sandbox, script: &str) -> Option<Ran> {
    let allowed = Command::new("unshare")
        .args(["-m", "true"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !allowed {
        return None;
    }
    let mut command = Command::new("unshare");
    command.current_dir(sandbox.path("")).args(["-m", "sh", "-ec", script]);
    command.env("CERTSTORE", env!("CARGO_BIN_EXE_certstore")).env("STORE", sandbox.url("store"));
    Some(Ran::of(&mut command))
}

#[test]
fn a_full_disk_leaves_the_old_value() {
    let sandbox = Sandbox::new();
    sandbox.write("big", vec![7; 400_000]);
    std::fs::create_dir(sandbox.path("store")).unwrap();
    let script = "mount -t tmpfs -o size=256k tmpfs store; printf old | $CERTSTORE -s $STORE put a/b
        $CERTSTORE -s $STORE put a/b big || echo code $?; $CERTSTORE -s $STORE get a/b; echo; find store -name '*.tmp'";
    let Some(ran) = in_mount_namespace(&sandbox, script) else { return not_run("a full disk") };
    assert_eq!(ran.text(), "code 1\nold\n", "{ran:?}");
    assert!(
        ran.err.starts_with("certstore: fs: cannot store \"a/b\"") && ran.err.lines().count() == 1,
        "{ran:?}"
    );
    assert!(ran.err.contains("free some space"), "{ran:?}");
}

#[test]
fn a_read_only_disk_says_so() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "a/b"], b"old").ok();
    let script = "mount --bind store store; mount -o remount,ro,bind store
        printf new | $CERTSTORE -s $STORE put a/b || echo code $?; $CERTSTORE -s $STORE rm a/b || echo code $?
        $CERTSTORE -s $STORE lock job -- touch ran || echo code $?; $CERTSTORE -s $STORE get a/b";
    let Some(ran) = in_mount_namespace(&sandbox, script) else {
        return not_run("a read-only disk");
    };
    assert_eq!(ran.text(), "code 1\ncode 1\ncode 1\nold", "{ran:?}");
    assert!(
        ran.err
            .lines()
            .all(|line| line.starts_with("certstore: ") && line.contains("mount it writable")),
        "{ran:?}"
    );
    assert_eq!(ran.err.lines().count(), 3);
    assert!(!sandbox.path("ran").exists());
}

/// Past the test harness's capture: what did not run must be seen.
fn not_run(what: &str) {
    let line = format!("not run, as this user may not make mount namespaces: {what}\n");
    drop(std::io::stderr().write_all(line.as_bytes()));
}
