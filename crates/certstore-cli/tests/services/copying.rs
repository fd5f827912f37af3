//! `certstore copy` from store to store.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3, Op};

use crate::places::Place;
use crate::support::{Ran, Sandbox, wait_until};

/// Fills the storage `store` with Caddy's data and 300 generated values: binary, empty, and of 64 KiB among them.
fn fill(sandbox: &Sandbox) -> usize {
    sandbox.caddy_data();
    for number in 0..300_usize {
        let size = match number % 10 {
            0 => 0,
            1 => 65_536,
            rest => rest * 37,
        };
        let value: Vec<u8> = (0..size).map(|at| (at * 7 + number * 13) as u8).collect();
        let dir = sandbox.path(&format!("store/generated/d{}/@{}", number % 7, number % 3));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(format!("v{number}+=_-.bin")), value).unwrap();
    }
    values(&sandbox.path("store"))
}

/// How many files there are, but for those of locks.
fn values(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap() != "locks")
        .map(|path| if path.is_dir() { values(&path) } else { 1 })
        .sum()
}

/// Both directories hold the same bytes under the same names.
#[track_caller]
pub(crate) fn same(one: &Path, other: &Path) {
    let ran = Ran::of(Command::new("diff").args(["-r", "-x", "locks"]).arg(one).arg(other));
    assert_eq!((ran.code, ran.text()), (Some(0), ""), "{ran:?}");
}

#[test]
fn files_to_redis_to_postgres_to_s3_to_files() {
    let sandbox = Sandbox::new();
    let total = fill(&sandbox);
    let [redis, postgres, s3] = Place::on_services();
    let (first, last) = (sandbox.url("store"), sandbox.url("back"));
    let way = [&first, &redis.url, &postgres.url, &s3.url, &last];
    for step in way.windows(2) {
        let mut command = sandbox.command();
        let report = Ran::of(command.args(["-s", step[0], "copy", "--to", step[1], "--json"])).ok();
        let report = report.json();
        assert_eq!(report["copied"], total, "{report}");
        assert_eq!(report["overwritten"], 0, "{report}");
    }
    same(&sandbox.path("store"), &sandbox.path("back"));
    // Again there is nothing to do, from end to end either.
    let again = s3.run(&sandbox, &["copy", "--to", &redis.url, "--json"]).ok().json();
    assert_eq!((&again["unchanged"], &again["bytes"]), (&total.into(), &0.into()), "{again}");
    let verified = postgres.run(&sandbox, &["verify", "--json"]).json();
    assert_eq!(verified["values"], total, "{verified}");
}

#[test]
fn round_all_that_processes_can_share() {
    let sandbox = Sandbox::new();
    let total = fill(&sandbox);
    let (first, last) = (sandbox.url("store"), sandbox.url("back"));
    let servers: Vec<Place> = Place::on_services().into_iter().chain(Place::on_clouds()).collect();
    let mut way = vec![first.as_str()];
    way.extend(servers.iter().map(|place| place.url.as_str()));
    way.push(&last);
    for step in way.windows(2) {
        let mut command = sandbox.command();
        let report = Ran::of(command.args(["-s", step[0], "copy", "--to", step[1], "--json"])).ok();
        let report = report.json();
        assert_eq!(
            (&report["copied"], &report["overwritten"]),
            (&total.into(), &0.into()),
            "{report}"
        );
    }
    same(&sandbox.path("store"), &sandbox.path("back"));
    for place in &servers {
        let ran = place.run(&sandbox, &["verify", "--json"]);
        assert_eq!(ran.json()["values"], total, "{}: {ran:?}", place.name);
    }
}

/// The requests until now, once none is under way any more.
fn settled(server: &LoopbackS3) -> u64 {
    let mut seen = (0, 0);
    wait_until("the server is idle", || {
        let now = server.requests().total();
        seen = if now == seen.0 { (now, seen.1 + 1) } else { (now, 0) };
        seen.1 > 30
    });
    server.requests().of(Op::PutObject)
}

#[test]
fn a_copy_that_was_killed_goes_on_where_it_was() {
    let sandbox = Sandbox::new();
    let total = fill(&sandbox);
    let server = LoopbackS3::start().unwrap();
    let target = Place::of_s3(&server);
    let slow = server
        .fault(Fault::new(Effect::Delay(Duration::from_millis(50))).on(Op::PutObject).always());
    // On a terminal, as a person starts it.
    let line = format!(
        "echo $$ > pid; exec {} -s '{}' copy --to '{}'",
        env!("CARGO_BIN_EXE_certstore"),
        sandbox.url("store"),
        target.url
    );
    let mut command = Command::new("script");
    command.args(["-qefc", &line, "/dev/null"]).current_dir(sandbox.path("")).env("TERM", "xterm");
    let copy =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("a third is copied", || server.requests().of(Op::PutObject) > total as u64 / 3);
    let pid = std::fs::read_to_string(sandbox.path("pid")).unwrap();
    assert!(Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
    let shown = copy.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("copying") && shown.contains(&format!("/{total}")), "{shown:?}");
    assert!(!shown.contains("values copied"), "it did not come to its end: {shown:?}");
    slow.lift();
    let done = settled(&server);
    assert!(done < total as u64, "{done} of {total}");
    let mut again = sandbox.command();
    again.args(["-s", &sandbox.url("store"), "copy", "--to", &target.url, "--json"]);
    let report = Ran::of(&mut again).ok().json();
    let count = |field: &str| report[field].as_u64().unwrap();
    assert!(count("unchanged") >= total as u64 / 3, "{report}");
    assert_eq!(count("unchanged") + count("copied"), total as u64, "{report}");
    assert_eq!(count("overwritten"), 0, "a value was stored by half: {report}");
    let stored = server.requests().of(Op::PutObject) - done;
    assert_eq!(stored, count("copied"), "only the rest is written");
    target.run(&sandbox, &["copy", "--to", &sandbox.url("back")]).ok();
    same(&sandbox.path("store"), &sandbox.path("back"));
}
