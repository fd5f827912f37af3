//! `certstore conformance` and `bench` on services: they pass, and leave nothing behind.

use std::process::{Command, Stdio};

use certstore_conformance::CLAUSES;
use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_conformance::servers::{RedisOptions, RedisServer};

use crate::places::{Place, shared_postgres};
use crate::support::{Ran, Sandbox, wait_until};

/// Clauses of every kind: values, lists, locks with other processes, fences.
fn clauses() -> Vec<&'static str> {
    let all = CLAUSES.iter().map(|clause| clause.id);
    all.filter(|id| {
        id.starts_with("LIST-") || ["STORE-1", "LOCK-2", "LOCK-8", "FENCE-2"].contains(id)
    })
    .collect()
}

fn only(clauses: &[&str]) -> Vec<String> {
    clauses.iter().flat_map(|clause| ["--only".to_owned(), (*clause).to_owned()]).collect()
}

/// All clauses hold on what the arguments name.
#[track_caller]
fn conforms(sandbox: &Sandbox, storage: &[&str]) {
    conforms_but(sandbox, storage, &[]);
}

/// All clauses hold on what the arguments name but for those that it does not declare.
#[track_caller]
fn conforms_but(sandbox: &Sandbox, storage: &[&str], undeclared: &[&str]) {
    let mut command = sandbox.command();
    command.args(storage).args(["conformance", "--json"]).args(only(&clauses()));
    let report = Ran::of(&mut command).ok().json();
    let passed = clauses().len() - undeclared.len();
    assert_eq!(report["passed"], passed, "{storage:?}: {report:#}");
    assert_eq!(report["failed"], 0, "{storage:?}: {report:#}");
}

#[track_caller]
fn measures(sandbox: &Sandbox, place: &Place) {
    let report = place.run(sandbox, &["bench", "--rounds", "3", "--json"]).ok().json();
    assert_eq!(
        (&report["backend"], report["operations"].as_array().unwrap().len()),
        (&place.name.into(), 8)
    );
    assert_eq!(place.run(sandbox, &["ls", "-r"]).ok().text(), "kept\n", "{}", place.name);
}

#[test]
fn on_redis() {
    let sandbox = Sandbox::new();
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    let place = Place::of_redis(&server.url());
    place.run(&sandbox, &["put", "kept", "/dev/null"]).ok();
    let keys = || {
        let text = server.cli(&["--scan"]).unwrap();
        let mut keys: Vec<_> = text.lines().map(str::to_owned).collect();
        keys.sort_unstable();
        keys
    };
    // Without the mean time to live, which remembers what is gone.
    let counts = || {
        let text = server.cli(&["INFO", "keyspace"]).unwrap();
        text.lines()
            .map(|line| line.split(",avg_ttl").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let before = (keys(), counts());
    conforms(&sandbox, &["--storage", &place.url]);
    assert_eq!((keys(), counts()), before);
    // Caddy's layout is left as clean; it has no fence.
    let mut caddy = sandbox.command();
    caddy.args(["-s", &format!("{}&layout=caddy", place.url), "conformance", "--only", "LOCK-8"]);
    Ran::of(caddy.args(["--only", "LIST-1"])).ok();
    assert_eq!(keys(), before.0);
    measures(&sandbox, &place);
}

#[test]
fn on_postgres() {
    let sandbox = Sandbox::new();
    let (server, place) = (shared_postgres(), Place::on_postgres());
    place.run(&sandbox, &["put", "kept", "/dev/null"]).ok();
    let database = place.url.rsplit('/').next().unwrap();
    let everything = || {
        let query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                     UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1";
        server.sql(database, query).unwrap()
    };
    let before = everything();
    conforms(&sandbox, &["--storage", &place.url]);
    assert_eq!(everything(), before);
    // With migrate = false the tables of the suite are created all the same, and gone afterwards.
    let mut command = sandbox.command();
    command.args([
        "-s",
        &format!("{}?migrate=false", place.url),
        "conformance",
        "--only",
        "STORE-1",
    ]);
    Ran::of(&mut command).ok();
    assert_eq!(everything(), before);
    let mut caddy = sandbox.command();
    caddy.args(["-s", &format!("{}?layout=caddy", place.url), "conformance", "--only", "STORE-1"]);
    let refused = Ran::of(&mut caddy);
    assert!(refused.code == Some(1) && refused.err.contains("fixed names"), "{refused:?}");
    assert_eq!(everything(), before);
    measures(&sandbox, &place);
}

#[test]
fn on_s3() {
    let sandbox = Sandbox::new();
    let place = Place::on_s3();
    place.run(&sandbox, &["put", "kept", "/dev/null"]).ok();
    // The whole bucket, as a storage without a prefix sees it.
    let whole = place.url.replace("/certs?", "?");
    let objects = || {
        let run = |arguments: &[&str]| {
            Ran::of(sandbox.command().args(["-s", &whole, "--json"]).args(arguments)).ok().json()
        };
        (
            run(&["ls", "-r", "-l"]).to_string(),
            run(&["verify", "--no-probe"])["foreign"].to_string(),
        )
    };
    let before = objects();
    conforms(&sandbox, &["--storage", &place.url]);
    assert_eq!(objects(), before);
    measures(&sandbox, &place);
}

/// The suite passes, and leaves the place as it was.
#[track_caller]
fn on_a_cloud(place: &Place, undeclared: &[&str]) {
    let sandbox = Sandbox::new();
    place.run(&sandbox, &["put", "kept", "/dev/null"]).ok();
    let everything = || {
        let listed = place.run(&sandbox, &["ls", "-r", "-l", "--json"]).ok().json().to_string();
        (
            listed,
            place.run(&sandbox, &["verify", "--no-probe", "--json"]).json()["foreign"].to_string(),
        )
    };
    let before = everything();
    let config = place.file(&sandbox);
    conforms_but(&sandbox, &["--config", config.to_str().unwrap()], undeclared);
    assert_eq!(everything(), before);
    measures(&sandbox, place);
}

#[test]
fn on_gcs() {
    on_a_cloud(&Place::on_gcs(), &[]);
}

#[test]
fn on_oss() {
    on_a_cloud(&Place::on_oss(), &["FENCE-2"]);
}

#[test]
fn on_secretsmanager() {
    on_a_cloud(&Place::on_secretsmanager(), &[]);
}

#[test]
fn with_locks_from_another_service() {
    let sandbox = Sandbox::new();
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    let s3 = LoopbackS3::start().unwrap();
    let config = Place::of_s3(&s3).file_with_lock(&sandbox, &Place::of_redis(&server.url()));
    conforms(&sandbox, &["--config", config.to_str().unwrap()]);
    assert_eq!(server.cli(&["DBSIZE"]).unwrap(), "0");
    let files = Place::on_files(&sandbox).file_with_lock(&sandbox, &Place::of_redis(&server.url()));
    conforms(&sandbox, &["--config", files.to_str().unwrap()]);
    assert_eq!(server.cli(&["DBSIZE"]).unwrap(), "0");
}

#[test]
fn an_interrupted_run_cleans_up() {
    let sandbox = Sandbox::new();
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    let place = Place::of_redis(&server.url());
    let mut command = place.command(&sandbox, &["conformance"]);
    let suite =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let keys = || server.cli(&["DBSIZE"]).unwrap().parse::<u64>().unwrap();
    wait_until("the suite has stored something", || keys() > 5);
    let id = suite.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let ended = Ran::from(suite.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("interrupted"), "{ended:?}");
    assert_eq!(keys(), 0);
}
