//! lock, locks, unlock.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Ran, Sandbox, wait_until};

/// A run of `certstore lock job -- sh -c SCRIPT` that has reached its first line of output.
struct Holding {
    /// Gone once its end was waited for.
    child: Option<Child>,
    out: BufReader<ChildStdout>,
    first: String,
}

impl Holding {
    fn start(sandbox: &Sandbox, script: &str) -> Self {
        Self::start_on(sandbox, &sandbox.url("store"), script)
    }

    fn start_on(sandbox: &Sandbox, url: &str, script: &str) -> Self {
        let mut command = sandbox.command();
        command.args(["--storage", url, "lock", "job", "--", "sh", "-c", script]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        Self { child: Some(child), out, first: first.trim().to_owned() }
    }

    fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits until every process that could write to its output has ended, and returns the rest of the output.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        rest
    }

    fn end(mut self) -> Ran {
        self.child.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Holding {
    /// Leaves nothing running when a test fails.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[test]
fn the_command_has_the_token_and_gives_the_exit_code() {
    let sandbox = Sandbox::new();
    let shell = |script: &str| sandbox.run(&["lock", "my job", "--", "sh", "-c", script]);
    let ran = shell("echo $CERTSTORE_LOCK_TOKEN; echo \"$CERTSTORE_LOCK_NAME\"");
    let first: u64 = ran.text().lines().next().unwrap().parse().unwrap();
    assert_eq!((ran.code, ran.text().lines().nth(1)), (Some(0), Some("my job")));
    let second: u64 = shell("echo $CERTSTORE_LOCK_TOKEN").ok().text().trim().parse().unwrap();
    assert!(second > first, "{second} is to be more than {first}");
    for (script, code) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 200", 200),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
    ] {
        assert_eq!(shell(script).code, Some(code), "{script}");
    }
    assert_eq!(
        sandbox.run(&["lock", "job", "--", "echo", "two  spaces", "$HOME"]).ok().text(),
        "two  spaces $HOME\n"
    );
    sandbox
        .run(&["lock", "job", "--", "/no/such/program"])
        .fails(127, &["cannot run /no/such/program"]);
    sandbox.run(&["lock", "job", "--", "/dev/null"]).fails(126, &["cannot run /dev/null"]);
    assert_eq!(sandbox.run(&["lock", "job"]).code, Some(2), "a command is needed");
    assert_eq!(
        sandbox.run(&["locks", "--json"]).ok().json(),
        serde_json::json!([]),
        "every lock was given back"
    );
}

#[test]
fn the_standard_input_is_the_commands() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run_with(&["lock", "job", "--", "cat"], b"through").ok().out, b"through");
}

#[test]
fn a_busy_lock_is_4_before_the_command_starts() {
    let sandbox = Sandbox::new();
    let mut holding = Holding::start(
        &sandbox,
        "echo $CERTSTORE_LOCK_TOKEN; read x < fifo_that_is_not_there; sleep 60",
    );
    let begun = Instant::now();
    sandbox
        .run(&["lock", "job", "--try", "--", "touch", "ran"])
        .fails(4, &["\"job\" is held", "--wait"]);
    assert!(begun.elapsed() < Duration::from_secs(2), "a try does not wait");
    sandbox
        .run(&["lock", "job", "--wait", "200ms", "--", "touch", "ran"])
        .fails(4, &["\"job\" is held"]);
    sandbox
        .run(&["lock", "job", "--try", "--busy-code", "75", "--", "touch", "ran"])
        .fails(75, &["is held"]);
    assert!(!sandbox.path("ran").exists());
    let locks = sandbox.run(&["locks", "--json"]).ok().json();
    let lock = &locks[0];
    assert_eq!((&lock["name"], lock["token"].to_string()), (&"job".into(), holding.first.clone()));
    for field in ["holder", "since", "renewed", "alive"] {
        assert!(lock.get(field).is_some(), "{field}: {lock}");
    }
    assert!(sandbox.run(&["locks"]).ok().text().contains(&holding.first));
    sandbox.run(&["lock", "other", "--try", "--", "true"]).ok();
    holding.signal("TERM");
    holding.rest();
    assert_eq!(holding.end().code, Some(143), "the signal was passed on");
}

#[test]
fn waiting_ends_with_the_lock() {
    let sandbox = Sandbox::new();
    let mut holding = Holding::start(&sandbox, "echo held; sleep 1; echo done > done");
    let waited = sandbox.run(&["lock", "job", "--wait", "30s", "--", "cat", "done"]).ok();
    assert_eq!(waited.text(), "done\n", "the command ran after the other one had ended");
    holding.rest();
    assert_eq!(holding.end().code, Some(0));
}

#[test]
fn a_signal_is_the_commands_to_handle() {
    let sandbox = Sandbox::new();
    let script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let mut holding = Holding::start(&sandbox, script);
    holding.signal("TERM");
    assert_eq!(holding.rest(), "caught\n");
    assert_eq!(holding.end().code, Some(5));
}

#[test]
fn a_broken_lock_ends_the_command_with_4() {
    let sandbox = Sandbox::new();
    let script =
        "trap 'echo warned' TERM; echo $CERTSTORE_LOCK_TOKEN; while :; do sleep 0.05; done";
    let mut holding = Holding::start(&sandbox, script);
    let token = holding.first.clone();
    assert_eq!(
        sandbox.run(&["unlock", "job", "--token", &token]).code,
        Some(2),
        "--force is needed"
    );
    assert_eq!(sandbox.run(&["unlock", "job", "--force"]).code, Some(2), "the token is needed");
    sandbox.run(&["unlock", "job", "--force", "--token", "1"]).fails(1, &["\"job\""]);
    assert_eq!(
        sandbox.run(&["locks", "--json"]).ok().json()[0]["token"].to_string(),
        token,
        "still held"
    );
    sandbox.run(&["unlock", "job", "--force", "--token", &token]).ok();
    holding.rest();
    let ended = holding.end();
    assert_eq!(ended.code, Some(4));
    assert!(
        ended.err.contains("certstore: the lock \"job\" was lost while the command ran"),
        "{ended:?}"
    );
    sandbox.run(&["lock", "job", "--try", "--", "true"]).ok();
    sandbox.run(&["unlock", "job", "--force", "--token", &token]).fails(1, &["\"job\""]);
}

#[test]
fn the_command_does_not_outlive_certstore() {
    let sandbox = Sandbox::new();
    let script = "trap '' TERM INT HUP; sleep 1000 & echo $$; wait; sleep 1000";
    let mut holding = Holding::start(&sandbox, script);
    holding.signal("KILL");
    let begun = Instant::now();
    holding.rest();
    assert!(begun.elapsed() < Duration::from_secs(5), "the whole group was killed at once");
    assert_eq!(holding.end().code, None);
    sandbox.run(&["lock", "job", "--wait", "30s", "--", "true"]).ok();
}

#[test]
fn the_command_does_not_outlive_its_supervisor() {
    let sandbox = Sandbox::new();
    let mut holding = Holding::start(&sandbox, "trap '' TERM; echo $PPID; sleep 1000; sleep 1000");
    let killed = Command::new("kill").args(["-s", "KILL", &holding.first]).status().unwrap();
    assert!(killed.success());
    holding.rest();
    assert_eq!(holding.end().code, Some(137));
}

#[test]
fn a_stopped_holder_does_not_keep_its_command_beyond_the_deadline() {
    let sandbox = Sandbox::new();
    let script = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
    let mut holding = Holding::start_on(&sandbox, "memory:?lease=1s", script);
    holding.signal("STOP");
    let command = holding.first.clone();
    wait_until("the command was killed", || !is_running(&command));
    holding.signal("CONT");
    holding.rest();
    let ended = holding.end();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains("was lost"), "{ended:?}");
}

/// Whether a process is there and has not ended.
fn is_running(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn many_processes_never_hold_at_once() {
    let sandbox = Sandbox::new();
    let script = "test ! -e inside && touch inside && cat tokens > seen; echo $CERTSTORE_LOCK_TOKEN >> tokens && rm inside";
    sandbox.write("tokens", "");
    let start = |_| {
        let mut command = sandbox.command();
        command.args([
            "--storage",
            &sandbox.url("store"),
            "lock",
            "job",
            "--",
            "sh",
            "-ec",
            script,
        ]);
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..12).map(start).collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let tokens = std::fs::read_to_string(sandbox.path("tokens")).unwrap();
    let tokens: Vec<u64> = tokens.lines().map(|token| token.parse().unwrap()).collect();
    assert!(tokens.len() == 12 && tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
}

#[test]
fn a_truncated_lock_file_is_overcome() {
    let sandbox = Sandbox::new();
    sandbox.run(&["lock", "job", "--", "true"]).ok();
    std::fs::write(sandbox.path("store/locks/job.lock"), "{\"created\":\"20").unwrap();
    let ran = sandbox.run(&["lock", "job", "--wait", "60s", "--", "echo", "held"]);
    assert_eq!((ran.code, ran.text()), (Some(0), "held\n"), "{ran:?}");
    wait_until("the lock file is gone", || !sandbox.path("store/locks/job.lock").exists());
}
