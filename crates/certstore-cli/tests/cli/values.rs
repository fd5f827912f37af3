//! put, get, rm, ls, stat, exists.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::{Ran, Sandbox};

#[test]
fn a_value_goes_in_and_comes_out() {
    let sandbox = Sandbox::new();
    let value: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    sandbox.run_with(&["put", "a/b"], &value).ok();
    assert_eq!(sandbox.run(&["get", "a/b"]).ok().out, value);
    let file = sandbox.write("in.bin", b"from a file");
    sandbox.run(&["put", "a/b", file.to_str().unwrap()]).ok();
    assert_eq!(sandbox.run(&["get", "a/b", "-o", "-"]).ok().out, b"from a file");
    sandbox.run_with(&["put", "empty", "-"], b"").ok();
    assert_eq!(sandbox.run(&["get", "empty"]).ok().out, b"");
    assert_eq!(std::fs::read(sandbox.path("store/a/b")).unwrap(), b"from a file");
}

#[test]
fn get_writes_files_whole_and_for_the_owner_alone() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "key"], b"secret").ok();
    let target = sandbox.write("out.pem", b"old");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o644)).unwrap();
    sandbox.run(&["get", "key", "-o", "out.pem"]).ok();
    assert_eq!(std::fs::read(&target).unwrap(), b"secret");
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    std::os::unix::fs::symlink("out.pem", sandbox.path("link.pem")).unwrap();
    sandbox.run_with(&["put", "key"], b"newer").ok();
    sandbox.run(&["get", "key", "-o", "link.pem"]).ok();
    assert!(sandbox.path("link.pem").is_symlink());
    assert_eq!(std::fs::read(&target).unwrap(), b"newer");
    sandbox.run(&["get", "key", "-o", "/dev/null"]).ok();
    sandbox.run(&["get", "none", "-o", "none.pem"]).fails(3, &["cannot load \"none\""]);
    sandbox.run(&["get", "key", "-o", "no/such/folder"]).fails(1, &["cannot write no/such/folder"]);
    let left: Vec<_> = std::fs::read_dir(sandbox.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{left:?}");
    assert!(!sandbox.path("none.pem").exists());
}

#[test]
fn lists_are_sorted_and_come_as_json() {
    let sandbox = Sandbox::new();
    for key in ["a/b", "a-b", "ab", "a/c/d"] {
        sandbox.run_with(&["put", key], key.as_bytes()).ok();
    }
    assert_eq!(sandbox.run(&["ls"]).ok().text(), "a\na-b\nab\n");
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), "a\na-b\na/b\na/c\na/c/d\nab\n");
    assert_eq!(sandbox.run(&["ls", "a"]).ok().text(), "a/b\na/c\n");
    assert_eq!(sandbox.run(&["ls", "a/b"]).ok().text(), "", "a value has nothing below it");
    let keys = sandbox.run(&["ls", "-r", "--json", "a"]).ok().json();
    assert_eq!(keys, serde_json::json!(["a/b", "a/c", "a/c/d"]));
    for arguments in [&["ls", "-l", "--json", "a"][..], &["ls", "-rl", "--json", "a"]] {
        let entries = sandbox.run(arguments).ok().json();
        let value = &entries[0];
        assert_eq!(
            (&value["key"], &value["size"], &value["is_terminal"]),
            (&"a/b".into(), &3.into(), &true.into())
        );
        assert!(value["modified"].as_str().unwrap().ends_with('Z'));
        assert_eq!(
            (&entries[1]["size"], &entries[1]["is_terminal"]),
            (&serde_json::Value::Null, &false.into())
        );
        assert_eq!(value.as_object().unwrap().len(), 4, "the fields are stable");
    }
    assert!(sandbox.run(&["ls", "-l"]).ok().text().starts_with("SIZE"));
    sandbox.run(&["ls", "none"]).fails(3, &["cannot list \"none\""]);
    let empty =
        Ran::of(sandbox.command().args(["--storage", &sandbox.url("empty"), "ls", "--json"])).ok();
    assert_eq!(empty.json(), serde_json::json!([]));
}

#[test]
fn stat_and_exists() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "a/b"], b"12345").ok();
    let stat = sandbox.run(&["stat", "--json", "a/b"]).ok().json();
    assert_eq!(
        (&stat["key"], &stat["size"], &stat["is_terminal"]),
        (&"a/b".into(), &5.into(), &true.into())
    );
    assert_eq!(stat.as_object().unwrap().len(), 4);
    assert_eq!(sandbox.run(&["stat", "a", "--json"]).ok().json()["is_terminal"], false);
    assert!(sandbox.run(&["stat", "a/b"]).ok().text().contains("size      5\n"));
    sandbox.run(&["stat", "none"]).fails(3, &["cannot stat \"none\""]);
    assert_eq!(sandbox.run(&["exists", "a/b"]).ok().text(), "");
    sandbox.run(&["exists", "a"]).ok();
    let none = sandbox.run(&["exists", "none"]);
    assert_eq!((none.code, none.text(), none.err.as_str()), (Some(3), "", ""));
    let none = sandbox.run(&["exists", "none", "--json"]);
    assert_eq!((none.code, &none.json()["exists"]), (Some(3), &false.into()));
}

#[test]
fn rm_deletes_directories_only_when_told_to() {
    let sandbox = Sandbox::new();
    for key in ["a/b", "a/c", "ab"] {
        sandbox.run_with(&["put", key], b"1").ok();
    }
    sandbox.run(&["rm", "a"]).fails(2, &["\"a\" is a directory", "rm -r a"]);
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), "a\na/b\na/c\nab\n", "nothing was deleted");
    sandbox.run(&["rm", "a/b"]).ok();
    sandbox.run(&["rm", "-r", "a"]).ok();
    sandbox.run(&["rm", "a"]).ok();
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), "ab\n");
    sandbox.run(&["get", "a"]).fails(3, &["cannot load \"a\"", "certstore ls -r"]);
}

#[test]
fn get_of_a_directory_is_not_found() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "a/b"], b"1").ok();
    sandbox.run(&["get", "a"]).fails(3, &["cannot load \"a\""]);
    sandbox.run_with(&["put", "a"], b"1").fails(1, &["cannot store \"a\""]);
    sandbox.run_with(&["put", "a/b/c"], b"1").fails(1, &["cannot store \"a/b/c\""]);
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "big"], &vec![b'x'; 1 << 20]).ok();
    for arguments in [&["get", "big"][..], &["completions", "bash"], &["markdown-help"]] {
        let mut command = sandbox.command();
        command.args(["--storage", &sandbox.url("store")]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
