//! Locks on services: shown, broken, and taken from another service than the values.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3};

use crate::places::Place;
use crate::support::{Ran, Sandbox, wait_until};

/// A run that holds the lock `job` and has said so.
struct Holding {
    child: Child,
    out: BufReader<ChildStdout>,
    first: String,
}

impl Holding {
    fn start(sandbox: &Sandbox, config: &Path) -> Self {
        let mut command = sandbox.command();
        command.arg("--config").arg(config).args(["lock", "job", "--", "sh", "-c"]);
        command.arg("echo $CERTSTORE_LOCK_TOKEN; exec sleep 120");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "it did not get the lock: {}", said(&mut child));
        Self { child, out, first: first.trim().to_owned() }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Its exit code and what it said of errors, once it and its command have ended.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code();
        (code, said(&mut self.child))
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn said(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut err) = child.stderr.take() {
        err.read_to_string(&mut text).unwrap();
    }
    text
}

#[test]
fn locks_are_shown_and_those_of_the_dead_are_broken() {
    for place in Place::on_services() {
        let sandbox = Sandbox::new();
        let config = place.file(&sandbox);
        let run = |arguments: &[&str]| {
            Ran::of(sandbox.command().arg("--config").arg(&config).args(arguments))
        };
        let holding = Holding::start(&sandbox, &config);
        let shown = run(&["locks", "--json"]).ok().json();
        let lock = &shown[0];
        assert_eq!(
            (&lock["name"], lock["token"].to_string()),
            (&"job".into(), holding.first.clone()),
            "{}: {shown}",
            place.name
        );
        assert!(lock["holder"].is_string() && lock["since"].is_string(), "{shown}");
        run(&["lock", "job", "--try", "--", "true"]).fails(4, &["\"job\" is held", "lease"]);
        // A wrong token breaks nothing.
        let wrong = (holding.first.parse::<u64>().unwrap() - 1).to_string();
        run(&["unlock", "job", "--force", "--token", &wrong]);
        run(&["lock", "job", "--try", "--", "true"]).fails(4, &["\"job\" is held"]);
        assert_eq!(run(&["unlock", "job", "--token", &holding.first]).code, Some(2), "no --force");
        // Killed, it leaves its lock for the lease of 15 or 30 s; broken, the lock is free at once.
        holding.signal("KILL");
        let token = holding.first.clone();
        drop(holding);
        run(&["unlock", "job", "--force", "--token", &token]).ok();
        let next =
            run(&["lock", "job", "--try", "--", "sh", "-c", "echo $CERTSTORE_LOCK_TOKEN"]).ok();
        let next: u64 = next.text().trim().parse().unwrap();
        assert!(next > token.parse().unwrap(), "{}: {next} after {token}", place.name);
        assert_eq!(run(&["locks", "--json"]).ok().json(), serde_json::json!([]), "{}", place.name);
    }
}

#[test]
fn a_living_holder_learns_that_its_lock_was_broken() {
    for place in Place::on_services() {
        let sandbox = Sandbox::new();
        let toml = format!("{}lease = \"2s\"\n", place.toml);
        let config = sandbox.write("short.toml", format!("[storage]\n{toml}"));
        let holding = Holding::start(&sandbox, &config);
        let token = holding.first.clone();
        place.run(&sandbox, &["unlock", "job", "--force", "--token", &token]).ok();
        let (code, err) = holding.end();
        assert_eq!(code, Some(4), "{}: {err}", place.name);
        assert!(err.contains("job"), "{}: {err}", place.name);
    }
}

#[test]
fn a_store_that_breaks_its_word_is_locked_through_another() {
    let sandbox = Sandbox::new();
    let server = LoopbackS3::start().unwrap();
    server.fault(Fault::new(Effect::IgnoreConditions).always());
    let (values, locks) = (Place::of_s3(&server), Place::on_redis());
    let alone = values.file(&sandbox);
    let run = |config: &Path, arguments: &[&str]| {
        Ran::of(sandbox.command().arg("--config").arg(config).args(arguments))
    };
    // Values can be kept, locks are refused.
    run(&alone, &["put", "a/b", "/dev/null"]).ok();
    assert_eq!(run(&alone, &["ls", "-r"]).ok().text(), "a\na/b\n");
    let quiet = ["--quiet", "lock", "job", "--", "touch", "ran"];
    run(&alone, &quiet).fails(1, &["wrote over an object", "[storage.lock]"]);
    assert!(!sandbox.path("ran").exists());
    let verified = run(&alone, &["--quiet", "verify"]);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let told = verified.text().lines().find(|line| line.contains("conditional requests")).unwrap();
    for part in ["PROBLEM", "wrote over an object", "[storage.lock]"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // With the locks elsewhere, two processes exclude each other, and nothing is wrong.
    let apart = values.file_with_lock(&sandbox, &locks);
    let holding = Holding::start(&sandbox, &apart);
    run(&apart, &["lock", "job", "--try", "--", "touch", "ran"]).fails(4, &["is held"]);
    assert!(!sandbox.path("ran").exists());
    holding.signal("TERM");
    assert_eq!(holding.end().0, Some(143));
    wait_until("the lock is free", || {
        run(&apart, &["lock", "job", "--try", "--", "touch", "ran"]).code == Some(0)
    });
    assert!(sandbox.path("ran").exists());
    let verified = run(&apart, &["--quiet", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.text().contains("locks come from elsewhere"), "{verified:?}");
    // A store that keeps its word is said to.
    let sound = Place::on_s3().run(&sandbox, &["verify", "--json"]).ok().json();
    let step = &sound["probe"][0];
    assert_eq!((&step["step"], &step["ok"]), (&"conditional requests".into(), &true.into()));
}
