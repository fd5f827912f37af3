//! Certificates that are handed on to other programs, whatever goes wrong meanwhile.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Ran, Sandbox, wait_until};

/// Longer than any test waits; what it holds up would fail.
const LONG: u64 = 60;

/// A command with an authority of one's own; it ends with the test.
struct Running(Option<Child>);

impl Running {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command();
        command.args(["--json", "--storage", &sandbox.url("store")]).args(arguments);
        command.args(["--issuer", "internal"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(command.spawn().expect("the test can go on")))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("it runs")
    }

    /// Sends a signal, and gives how it has ended.
    fn ended_by(mut self, signal: &str) -> Ran {
        let id = self.child().id().to_string();
        let sent = std::process::Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("the test can go on").success());
        let (child, begun) = (self.0.take().expect("it runs"), Instant::now());
        let ran = child.wait_with_output().expect("the test can go on").into();
        // Whatever a hook has left running would keep the standard error open.
        assert!(begun.elapsed() < Duration::from_secs(LONG / 2), "{ran:?}");
        ran
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[test]
fn a_hook_that_takes_too_long_is_killed_with_all_that_it_has_started() {
    let sandbox = Sandbox::new();
    let hook = format!("sleep {LONG} & wait");
    let begun = Instant::now();
    let mut obtain = vec!["obtain", "a.internal", "--issuer", "internal"];
    obtain.extend(["--hook", &hook, "--hook-timeout", "1"]);
    let ran = sandbox.run(&obtain);
    assert!(begun.elapsed() < Duration::from_secs(LONG / 2), "{ran:?}");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = "the hook was killed for a.internal: it took longer than 1 s";
    assert!(ran.err.contains(said), "{ran:?}");
    assert!(ran.text().starts_with("obtained"), "{ran:?}");
}

#[test]
fn an_interrupt_kills_a_hook_and_says_so() {
    let sandbox = Sandbox::new();
    let hook = format!("echo > begun; sleep {LONG} & wait");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let out = format!("out{signal}");
        let running =
            Running::start(&sandbox, &["obtain", "a.internal", "--out", &out, "--hook", &hook]);
        wait_until("the hook runs", || sandbox.path("begun").exists());
        let ran = running.ended_by(signal);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(
            ran.err.contains("the hook was killed for a.internal: it was interrupted"),
            "{ran:?}"
        );
        assert!(ran.err.contains("certstore: interrupted"), "{ran:?}");
        let rows = ran.json();
        assert_eq!(rows[0]["name"], "a.internal");
        assert_eq!(rows[0]["error"], "the hook was killed for a.internal: it was interrupted");
        std::fs::remove_file(sandbox.path("begun")).unwrap();
    }
}

#[test]
fn what_is_done_before_an_interrupt_is_handed_on_and_told() {
    let sandbox = Sandbox::new();
    let hold = format!("echo > held; sleep {LONG}");
    let lock = ["lock", "issue_cert_b.internal", "--", "sh", "-c", &hold];
    let mut command = sandbox.command();
    command.args(["--storage", &sandbox.url("store")]).args(lock);
    let mut holder = command.stdin(Stdio::null()).spawn().unwrap();
    wait_until("the lock is held", || sandbox.path("held").exists());
    let hook = "echo $CERTSTORE_NAME >> told";
    let names = ["obtain", "a.internal", "b.internal", "--out", "tls", "--hook", hook];
    let running = Running::start(&sandbox, &names);
    wait_until("one is handed on", || {
        std::fs::read_to_string(sandbox.path("told")).is_ok_and(|told| told == "a.internal\n")
    });
    let ran = running.ended_by("-INT");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(ran.err.contains("certstore: interrupted when 1 of 2 names were done"), "{ran:?}");
    let rows = ran.json();
    assert_eq!((&rows[0]["name"], &rows[0]["outcome"]), (&"a.internal".into(), &"obtained".into()));
    assert_eq!(
        (&rows[1]["name"], &rows[1]["outcome"]),
        (&"b.internal".into(), &"interrupted".into())
    );
    assert!(sandbox.path("tls/a.internal.crt").exists());
    assert!(!sandbox.path("tls/b.internal.crt").exists());
}

#[test]
fn a_failure_is_one_although_nobody_reads_what_was_done() {
    let sandbox = Sandbox::new();
    let mut running = Running::start(&sandbox, &["obtain", "a.internal", "--hook", "exit 3"]);
    drop(running.child().stdout.take());
    let ran: Ran = running.0.take().unwrap().wait_with_output().unwrap().into();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.ends_with("certstore: 1 of 1 names could not be handed on\n"), "{ran:?}");
}

#[test]
fn what_could_not_be_handed_on_is_handed_on_later() {
    let sandbox = Sandbox::new();
    let hook = "test -e failed || { touch failed; exit 3; }; echo $CERTSTORE_NAME > told";
    let running = Running::start(&sandbox, &["manage", "a.internal", "--hook", hook]);
    wait_until("it is handed on", || sandbox.path("told").exists());
    let ran = running.ended_by("-TERM");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said = "certstore: the hook failed for a.internal: exit status: 3\n";
    assert_eq!(ran.err, said, "{ran:?}");
}

#[test]
fn a_hook_that_hangs_holds_up_no_other_name_and_ends_with_the_manager() {
    let sandbox = Sandbox::new();
    let hook = format!("touch begun.$CERTSTORE_NAME; sleep {LONG} & wait");
    let names = ["a.internal", "b.internal", "c.internal"];
    let arguments = [&["manage"], &names[..], &["--hook", &hook]].concat();
    let running = Running::start(&sandbox, &arguments);
    wait_until("all are at it", || {
        names.iter().all(|name| sandbox.path(&format!("begun.{name}")).exists())
    });
    let ran = running.ended_by("-TERM");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for name in names {
        let said = format!("the hook was killed for {name}: it was interrupted");
        assert!(ran.err.contains(&said), "{ran:?}");
    }
}

#[test]
fn a_manager_that_nobody_listens_to_goes_on() {
    let sandbox = Sandbox::new();
    let names = ["manage", "a.internal", "b.internal", "--hook", "touch told.$CERTSTORE_NAME"];
    let mut manager = Running::start(&sandbox, &names);
    drop(manager.child().stdout.take());
    let mut said = BufReader::new(manager.child().stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(
        line.contains("it goes on, and prints no more"),
        "{line:?}, {:?}",
        manager.child().try_wait()
    );
    wait_until("both are handed on", || {
        ["a", "b"].iter().all(|name| sandbox.path(&format!("told.{name}.internal")).exists())
    });
    assert!(manager.child().try_wait().unwrap().is_none());
    assert_eq!(manager.ended_by("-TERM").code, Some(0));
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "it is said once");
}
