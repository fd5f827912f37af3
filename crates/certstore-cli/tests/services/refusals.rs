//! Wrong configs and servers: one line that says what to do, no secret, no hang.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_conformance::servers::{RedisOptions, RedisServer};

use crate::places::{Place, encoded, shared_postgres};
use crate::support::{Ran, Sandbox};

/// A password that must not be seen anywhere.
const CANARY: &str = "cAnArY-0f-the-t3sts";

/// Longer than every time-out that a test sets, and shorter than anybody would wait.
const LIMIT: Duration = Duration::from_secs(8);

/// Fails as said on each of several commands, silently and with all that it can log, and shows no secret.
#[track_caller]
fn refused(toml: &str, code: i32, parts: &[&str]) {
    let sandbox = Sandbox::new();
    let config = sandbox.write("c.toml", toml);
    let run = |arguments: &[&str]| {
        let begun = Instant::now();
        let ran = Ran::of(sandbox.command().arg("--config").arg(&config).args(arguments));
        assert!(begun.elapsed() < LIMIT, "{:?}: {ran:?}", begun.elapsed());
        assert!(!ran.err.contains(CANARY) && !ran.err.contains("panicked"), "{ran:?}");
        assert!(!String::from_utf8_lossy(&ran.out).contains(CANARY), "{ran:?}");
        ran
    };
    for arguments in [&["ls"][..], &["put", "a", "/dev/null"], &["lock", "job", "--", "true"]] {
        run(arguments).fails(code, parts);
    }
    let wordy = run(&["-vvv", "verify", "--json"]);
    assert_eq!(wordy.code, Some(code), "{wordy:?}");
    for part in parts {
        assert!(wordy.err.contains(part), "{part}: {wordy:?}");
    }
}

#[test]
fn options_that_are_wrong() {
    let storage = |text: &str| format!("[storage]\n{text}\npassword = \"{CANARY}\"\n");
    refused(
        &storage("backend = \"redis\"\nprefx = \"a\""),
        2,
        &["c.toml", "\"prefx\"", "nearest is \"prefix\""],
    );
    refused(&storage("url = \"redis://h/0?prefx=a\""), 2, &["\"prefx\"", "\"prefix\""]);
    refused(&storage("backend = \"postgres\"\nbucket = \"a\""), 2, &["\"bucket\"", "\"postgres\""]);
    refused(&storage("url = \"postgres://h/d?tabel_prefix=a\""), 2, &["\"table_prefix\""]);
    refused(&storage("backend = \"redis\"\nlease = \"long\""), 2, &["\"lease\"", "duration"]);
    refused(&storage("backend = \"redis\"\nmode = \"cluser\""), 2, &["\"mode\"", "cluster"]);
    refused(&storage("backend = \"redis\"\nwake = \"listen\""), 2, &["wake", "push"]);
    refused(&storage(&format!("url = \"redis://:{CANARY}@h:port/0\"")), 2, &["port"]);
    refused(&storage(&format!("url = \"postgres://u:{CANARY}@h:port/d\"")), 2, &["port"]);
    let s3 = |text: &str| format!("[storage]\nsecret_access_key = \"{CANARY}\"\n{text}\n");
    refused(&s3("url = \"s3://b/p?stampd=true\"\naccess_key_id = \"k\""), 2, &["\"stamped\""]);
    refused(&s3("backend = \"s3\"\naccess_key_id = \"k\""), 2, &["bucket"]);
    refused(&s3("url = \"s3://b/p\""), 2, &["access_key_id"]);
    refused(&format!("[storage]\nurl = \"s3://k:{CANARY}@b/p\""), 2, &["no credentials"]);
    refused(
        &format!(
            "[storage]\nbackend = \"memory\"\n[storage.lock]\nurl = \"redis://:{CANARY}@h/0?prefx=a\""
        ),
        2,
        &["\"prefix\""],
    );
}

#[test]
fn redis_with_a_wrong_password_or_none() {
    let options = RedisOptions { password: Some("right".to_owned()), ..RedisOptions::default() };
    let server = RedisServer::start(options).unwrap();
    let at = format!("127.0.0.1:{}", server.port());
    let url = |login: &str| format!("[storage]\nurl = \"redis://{login}{at}/0\"\n");
    refused(&url(&format!(":{CANARY}@")), 1, &["password"]);
    refused(&url(&format!("nobody:{CANARY}@")), 1, &["password"]);
    refused(&url(""), 1, &["password"]);
    refused(&format!("{}password = \"{CANARY}\"\n", url("")), 1, &["password"]);
    let sandbox = Sandbox::new();
    let right = sandbox.write("right.toml", format!("{}password = \"right\"\n", url("")));
    Ran::of(sandbox.command().arg("-c").arg(right).arg("ls")).ok();
    refused(&format!("[storage]\nurl = \"redis://:right@{at}/99\"\n"), 2, &["database"]);
}

#[test]
fn postgres_with_a_wrong_password_or_database() {
    let server = shared_postgres();
    let place = Place::on_postgres();
    let role = format!("wrong_{}", std::process::id());
    server.create_role(&role, "right").unwrap();
    let database = place.url.rsplit('/').next().unwrap();
    let url = |password: &str, database: &str| {
        let port = server.port();
        format!("[storage]\nurl = \"postgres://{role}:{password}@127.0.0.1:{port}/{database}\"\n")
    };
    refused(&url(CANARY, database), 1, &["password"]);
    refused(&format!("{}password = \"{CANARY}\"\n", url("right", database)), 1, &["password"]);
    refused(&url("right", &format!("no_{database}")), 2, &["database"]);
    server.sql("postgres", &format!("DROP ROLE {role}")).unwrap();
}

#[test]
fn s3_with_a_wrong_bucket_region_or_secret() {
    let server = LoopbackS3::start().unwrap();
    let toml = |bucket: &str, region: &str, secret: &str| {
        format!(
            "[storage]\nbackend = \"s3\"\nbucket = \"{bucket}\"\nregion = \"{region}\"\nendpoint = \"{}\"\n\
             access_key_id = \"{}\"\nsecret_access_key = \"{secret}\"\n",
            server.endpoint(),
            server.access_key()
        )
    };
    let (bucket, region, secret) = (server.bucket(), server.region(), server.secret_key());
    refused(&toml("no-such-bucket", region, secret), 2, &["no-such-bucket"]);
    refused(&toml(bucket, "eu-north-9", secret), 2, &["region", region]);
    refused(&toml(bucket, region, CANARY), 1, &["secret access key"]);
    let url = format!(
        "[storage]\nurl = \"s3://{bucket}?region={region}&endpoint={}&access_key_id=unknown&secret_access_key={CANARY}\"\n",
        encoded(&server.endpoint())
    );
    refused(&url, 1, &["access key"]);
    let sandbox = Sandbox::new();
    let right = sandbox.write("right.toml", toml(bucket, region, secret));
    Ran::of(sandbox.command().arg("-c").arg(right).arg("ls")).ok();
}

/// A section for a server at `port`, with short time-outs.
fn at(port: u16) -> [String; 3] {
    let times = "connect_timeout = \"700ms\"\ntimeout = \"700ms\"\n";
    [
        format!("[storage]\nurl = \"redis://:{CANARY}@127.0.0.1:{port}/0\"\n{times}"),
        format!("[storage]\nurl = \"postgres://u:{CANARY}@127.0.0.1:{port}/d\"\n{times}"),
        format!(
            "[storage]\nurl = \"s3://b\"\nregion = \"r\"\nendpoint = \"http://127.0.0.1:{port}\"\n\
             access_key_id = \"k\"\nsecret_access_key = \"{CANARY}\"\n{times}"
        ),
    ]
}

#[test]
fn a_server_that_is_down() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for toml in at(port) {
        refused(&toml, 1, &["try again"]);
    }
}

#[test]
fn a_server_that_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for toml in at(silent.local_addr().unwrap().port()) {
        refused(&toml, 1, &["try again"]);
    }
}
