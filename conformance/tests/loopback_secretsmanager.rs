//! The loopback Secrets Manager server: driven by AWS's own client of another language, with its clock moved on.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::{Effect, Fault, LoopbackSecretsManager, Op};
use certstore_conformance::servers::tools_dir;

/// The checks in the script; fewer are a part of it that did not run.
const CHECKS: usize = 211;

#[test]
fn boto3_sees_what_aws_documents() {
    let server = LoopbackSecretsManager::start().expect("the test can go on");
    let strike = |effect, op, key| server.fault(Fault::new(effect).on(op).key(key));
    let once = [
        strike(Effect::LoseRequest, Op::PutSecretValue, "fault/lose-request"),
        strike(Effect::LoseReply, Op::PutSecretValue, "fault/lose-reply"),
        strike(Effect::InternalError, Op::PutSecretValue, "fault/internal-error"),
        strike(Effect::InternalErrorAfter, Op::PutSecretValue, "fault/internal-error-after"),
        strike(Effect::Unavailable, Op::PutSecretValue, "fault/unavailable"),
        strike(Effect::Throttle, Op::PutSecretValue, "fault/throttle"),
        strike(Effect::LimitExceeded, Op::PutSecretValue, "fault/limit"),
        strike(Effect::Delay(Duration::from_millis(50)), Op::PutSecretValue, "fault/delay"),
        strike(
            Effect::DelayReply(Duration::from_millis(50)),
            Op::PutSecretValue,
            "fault/delay-reply",
        ),
        strike(Effect::TruncateBody, Op::GetSecretValue, "fault/cut"),
    ];

    let printed = run_script(&server);

    assert_eq!(printed.trim(), format!("checks: {CHECKS}"));
    for fault in once {
        assert_eq!(fault.fired(), 1, "{fault:?}");
    }
    let requests = server.requests();
    for op in [Op::BatchGetSecretValue, Op::UpdateSecret, Op::RestoreSecret] {
        assert!(requests.of(op) > 0, "{op}");
    }
    let lost = requests.iter().filter(|request| request.status == 0).count();
    assert_eq!(lost, 2);
}

/// What the script prints last. Its lines before are orders: the server's knobs, turned from outside the protocol.
fn run_script(server: &LoopbackSecretsManager) -> String {
    let python = tools_dir().join("venv/bin/python");
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/loopback_secretsmanager.py");
    let (reader, token) = (server.read_only(), server.temporary());
    let mut child = Command::new(&python)
        .arg(script)
        .envs(server.worker_env())
        .env("LOOPBACK_SECRETSMANAGER_READER_ACCESS_KEY", reader.access_key)
        .env("LOOPBACK_SECRETSMANAGER_READER_SECRET_KEY", reader.secret_key)
        .env("LOOPBACK_SECRETSMANAGER_TOKEN_ACCESS_KEY", token.access_key)
        .env("LOOPBACK_SECRETSMANAGER_TOKEN_SECRET_KEY", token.secret_key)
        .env(
            "LOOPBACK_SECRETSMANAGER_SESSION_TOKEN",
            token.session_token.expect("the test can go on"),
        )
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} ({error}); run: cargo xtask setup", python.display()));
    let mut answers = child.stdin.take().expect("the script reads");
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().expect("the script prints")).lines() {
        let line = line.expect("the script prints text");
        if obey(server, &line) {
            writeln!(answers, "done").expect("the script reads");
        }
        last = line;
    }
    assert!(child.wait().expect("the script ends").success(), "{last}");
    last
}

/// Whether the line was an order.
fn obey(server: &LoopbackSecretsManager, line: &str) -> bool {
    let mut words = line.split(' ');
    let (order, value) = (words.next(), words.next().and_then(|word| word.parse::<u64>().ok()));
    let seconds = Duration::from_secs(value.unwrap_or_default());
    match order {
        Some("advance") => server.advance(seconds),
        Some("list-delay") => server.set_list_delay(seconds),
        Some("read-delay") => server.set_read_delay(seconds),
        Some("delete-lag") => server.set_delete_lag(seconds),
        Some("rate") => server.set_rate(value.and_then(|rate| u32::try_from(rate).ok())),
        Some("version-limit") => {
            server.set_version_limit(value.and_then(|limit| usize::try_from(limit).ok()));
        }
        _ => return false,
    }
    true
}

#[test]
fn a_server_comes_back_with_its_secrets() {
    let server = LoopbackSecretsManager::start().expect("the test can go on");
    let address = server.endpoint().replace("http://", "");
    std::net::TcpStream::connect(&address).expect("it listens");
    server.stop();
    server.stop();
    std::net::TcpStream::connect(&address).expect_err("it is stopped");
    server.resume().expect("the port is free");
    server.resume().expect("it runs");
    std::net::TcpStream::connect(&address).expect("it listens again");
    assert_eq!(server.endpoint(), format!("http://{address}"));
}
