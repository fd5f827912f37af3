//! Nothing is left behind, however a test process ends.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use certstore_conformance::servers::{shared_postgres, shared_redis};

const CHILD: &str = "CERTSTORE_TEST_CHILD";

/// Runs in the child process of the tests below; idle in an ordinary run.
#[test]
fn the_child() {
    let Ok(ending) = std::env::var(CHILD) else { return };
    let (redis, postgres) = (shared_redis().unwrap(), shared_postgres().unwrap());
    println!("\nport {}", redis.port());
    for process in [redis.process(), postgres.process()].into_iter().flatten() {
        println!("folder {}", process.folder().display());
        println!("pid {}", process.pid().unwrap());
    }
    // A paused server cannot notice anything by itself.
    if ending == "paused" {
        postgres.process().unwrap().pause().unwrap();
    }
    println!("ready");
    match ending.as_str() {
        "return" => {}
        "abort" => std::process::abort(),
        _ => loop {
            std::thread::park(); // until killed
        },
    }
}

#[derive(Default)]
struct Said {
    folders: Vec<String>,
    pids: Vec<String>,
    port: String,
    /// Open as long as the child writes to it.
    output: Option<Lines<BufReader<ChildStdout>>>,
}

fn child(ending: &str, environment: Vec<(String, String)>) -> (Child, Said) {
    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "process::the_child", "--nocapture"])
        .env(CHILD, ending)
        .envs(environment)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut said = Said::default();
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    while let Some(line) = lines.next() {
        let line = line.expect("text");
        match line.split_once(' ') {
            Some(("folder", folder)) => said.folders.push(folder.to_owned()),
            Some(("pid", pid)) => said.pids.push(pid.to_owned()),
            Some(("port", port)) => port.clone_into(&mut said.port),
            _ if line == "ready" => {
                said.output = Some(lines);
                return (child, said);
            }
            _ => {}
        }
    }
    panic!("the child ended: {:?}", child.wait());
}

fn is_alive(pid: &str) -> bool {
    // One that nobody has waited for yet is a Z: dead.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn nothing_is_left(said: &Said) {
    assert_eq!((said.folders.len(), said.pids.len()), (2, 2));
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let folders = said.folders.iter().filter(|folder| Path::new(folder).exists());
        let left: Vec<&String> =
            folders.chain(said.pids.iter().filter(|pid| is_alive(pid))).collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_process_leaves_nothing() {
    for ending in ["killed", "paused"] {
        let (mut child, said) = child(ending, Vec::new());
        assert!(said.folders.iter().all(|folder| Path::new(folder).exists()));
        assert!(said.pids.iter().all(|pid| is_alive(pid)));
        child.kill().unwrap();
        child.wait().unwrap();
        nothing_is_left(&said);
    }
}

#[test]
fn an_ended_process_leaves_nothing() {
    for ending in ["return", "abort"] {
        let (mut child, said) = child(ending, Vec::new());
        assert_eq!(child.wait().unwrap().success(), ending == "return");
        nothing_is_left(&said);
    }
}

#[test]
fn a_worker_reaches_the_servers_of_its_starter() {
    let (redis, postgres) = (shared_redis().unwrap(), shared_postgres().unwrap());
    let environment = [redis.worker_env(), postgres.worker_env()].concat();
    let (mut child, said) = child("return", environment);
    assert_eq!(said.port, redis.port().to_string());
    assert!(said.pids.is_empty(), "it started servers of its own");
    assert!(child.wait().unwrap().success());
    assert_eq!(redis.cli(&["PING"]).unwrap(), "PONG");
    assert_eq!(postgres.sql("postgres", "SELECT 1").unwrap(), "1");
}
