//! doctor: how far a request gets, on real servers.

use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3};
use certstore_conformance::servers::{RedisOptions, RedisServer};
use serde_json::Value;

use crate::places::shared_postgres;
use crate::support::{Ran, Sandbox};

/// What the program says about a config.
fn report(toml: &str) -> Value {
    let sandbox = Sandbox::new();
    let file = sandbox.write("c.toml", toml);
    let ran = Ran::of(sandbox.command().arg("-q").arg("-c").arg(file).args(["doctor", "--json"]));
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    ran.json()
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

/// The server answers; the credentials, the place and what comes after are as said.
#[track_caller]
fn gets_to(report: &Value, [server, credentials, place, locking]: [&str; 4]) {
    let expected =
        [("server", server), ("credentials", credentials), ("place", place), ("locking", locking)];
    for (name, status) in expected {
        assert_eq!(check(report, name)["status"], status, "{name}: {report:#}");
    }
    for check in report["checks"].as_array().unwrap() {
        let told = check["advice"].as_str().is_some_and(|advice| !advice.is_empty());
        assert_eq!(check["status"] == "fail" || check["status"] == "warn", told, "{check:#}");
    }
}

#[test]
fn on_redis() {
    let options = RedisOptions { password: Some("right".to_owned()), ..RedisOptions::default() };
    let server = RedisServer::start(options).unwrap();
    let toml = |password: &str, db: &str| {
        let port = server.port();
        format!("[storage]\nurl = \"redis://:{password}@127.0.0.1:{port}/{db}\"\n")
    };
    gets_to(&report(&toml("right", "0")), ["ok", "ok", "ok", "ok"]);
    let refused = report(&toml("wrong", "0"));
    gets_to(&refused, ["ok", "fail", "skipped", "skipped"]);
    assert!(check(&refused, "credentials")["advice"].as_str().unwrap().contains("password"));
    gets_to(&report(&toml("right", "99")), ["ok", "ok", "fail", "skipped"]);
}

#[test]
fn on_postgres() {
    let server = shared_postgres();
    let role = format!("doctor_{}", std::process::id());
    server.create_role(&role, "right").unwrap();
    let toml = |password: &str, database: &str| {
        let port = server.port();
        format!("[storage]\nurl = \"postgres://{role}:{password}@127.0.0.1:{port}/{database}\"\n")
    };
    gets_to(&report(&toml("wrong", "postgres")), ["ok", "fail", "skipped", "skipped"]);
    let missing = report(&toml("right", "no_such_database"));
    gets_to(&missing, ["ok", "ok", "fail", "skipped"]);
    assert!(check(&missing, "place")["advice"].as_str().unwrap().starts_with("create"));
    server.sql("postgres", &format!("DROP ROLE {role}")).unwrap();
}

#[test]
fn on_s3() {
    let server = LoopbackS3::start().unwrap();
    let toml = |bucket: &str, id: &str, secret: &str| {
        let (region, endpoint) = (server.region(), server.endpoint());
        format!(
            "[storage]\nbackend = \"s3\"\nbucket = \"{bucket}\"\nregion = \"{region}\"\nendpoint = \"{endpoint}\"\n\
             access_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n"
        )
    };
    let (bucket, id, secret) = (server.bucket(), server.access_key(), server.secret_key());
    gets_to(&report(&toml(bucket, id, secret)), ["ok", "ok", "ok", "ok"]);
    gets_to(&report(&toml(bucket, id, "wrong")), ["ok", "fail", "skipped", "skipped"]);
    gets_to(&report(&toml(bucket, "nobody", secret)), ["ok", "fail", "skipped", "skipped"]);
    gets_to(&report(&toml("no-such-bucket", id, secret)), ["ok", "ok", "fail", "skipped"]);

    let reader = server.read_only();
    let denied = report(&toml(bucket, &reader.access_key, &reader.secret_key));
    gets_to(&denied, ["ok", "ok", "ok", "fail"]);
    for (name, status) in [("permission: store", "fail"), ("permission: list", "fail")] {
        assert_eq!(check(&denied, name)["status"], status, "{denied:#}");
    }
    assert!(
        check(&denied, "permission: store")["advice"].as_str().unwrap().contains("s3:PutObject")
    );

    server.fault(Fault::new(Effect::ClockSkewed).always());
    let skewed = report(&toml(bucket, id, secret));
    gets_to(&skewed, ["ok", "fail", "skipped", "skipped"]);
    assert_eq!(check(&skewed, "clock")["status"], "fail", "{skewed:#}");
}

#[test]
fn what_is_to_read_only_is_not_written_to() {
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    let report = report(&format!("[storage]\nurl = \"{}\"\nread_only = true\n", server.url()));
    assert_eq!(report["ok"], true, "{report:#}");
    gets_to(&report, ["ok", "ok", "ok", "skipped"]);
    // Opening leaves the id of the storage; nothing was tried out.
    assert_eq!(server.cli(&["KEYS", "*probe*"]).unwrap().trim(), "");
}
