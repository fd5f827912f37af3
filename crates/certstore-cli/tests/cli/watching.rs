//! watch, told and looked up.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use crate::support::{Sandbox, wait_until};

/// A watch whose lines are read one by one.
struct Watch(Child, BufReader<ChildStdout>);

impl Watch {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command();
        command.args(["--storage", &sandbox.url("store"), "watch"]).args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self(child, out)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn changes_are_lines_and_a_count_ends_it() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "a/old"], b"1").ok();
    let mut watch =
        Watch::start(&sandbox, &["a", "--always-poll", "--poll", "100ms", "--count", "2"]);
    assert_eq!(watch.line(), "watching a by polling");
    sandbox.run_with(&["put", "b"], b"outside").ok();
    sandbox.run_with(&["put", "a/new"], b"1").ok();
    assert_eq!(watch.line(), "stored a/new");
    sandbox.run(&["rm", "a/old"]).ok();
    assert_eq!(watch.line(), "deleted a/old");
    wait_until("it ends", || watch.0.try_wait().unwrap().is_some());
    assert!(watch.0.wait().unwrap().success());
}

#[test]
fn json_is_an_object_a_line() {
    let sandbox = Sandbox::new();
    let mut watch = Watch::start(&sandbox, &["--json", "--poll", "100ms", "--count", "1"]);
    let first: serde_json::Value = serde_json::from_str(&watch.line()).unwrap();
    assert_eq!((&first["change"], &first["key"]), (&"watching".into(), &"".into()));
    assert!(first["by"] == "polling" || first["by"] == "notification", "{first}");
    sandbox.run_with(&["put", "a"], b"1").ok();
    let change: serde_json::Value = serde_json::from_str(&watch.line()).unwrap();
    assert_eq!(change, serde_json::json!({"change": "stored", "key": "a"}));
    sandbox.run(&["watch", "a//b"]).fails(2, &["empty component"]);
}
