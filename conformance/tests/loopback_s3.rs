//! The loopback S3 server: driven by AWS's own client of another language, and its fault switches one by one.

#[path = "loopback_s3/client.rs"]
mod client;
#[path = "loopback_s3/faults.rs"]
mod faults;
#[path = "loopback_s3/restarts.rs"]
mod restarts;
#[path = "loopback_s3/wire.rs"]
mod wire;

use std::path::Path;
use std::process::Command;

use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3, Op};
use certstore_conformance::servers::tools_dir;

/// The checks in the script; fewer are a part of it that did not run.
const CHECKS: usize = 280;

#[test]
fn boto3_sees_what_aws_documents() {
    let server = LoopbackS3::start().expect("the test can go on");
    let strike = |effect, op, key| server.fault(Fault::new(effect).on(op).key(key));
    let once = [
        strike(Effect::Conflict, Op::PutObject, "fault/conflict"),
        strike(Effect::FailAgainstItself, Op::PutObject, "fault/against-itself"),
        strike(Effect::InternalError, Op::PutObject, "fault/internal-error"),
        strike(Effect::SlowDown, Op::PutObject, "fault/slow-down"),
        strike(Effect::QuotaExceeded, Op::PutObject, "fault/quota"),
        strike(Effect::LoseRequest, Op::PutObject, "fault/lose-request"),
        strike(Effect::LoseReply, Op::PutObject, "fault/lose-reply"),
        strike(Effect::TruncateBody, Op::GetObject, "fault/cut"),
    ];
    let ignored = server.fault(Fault::new(Effect::IgnoreConditions).key("fault/ignored").always());

    let printed = run_script(&server);

    assert_eq!(printed.trim(), format!("checks: {CHECKS}"));
    for fault in once {
        assert_eq!(fault.fired(), 1, "{fault:?}");
    }
    assert_eq!(ignored.fired(), 3);
    let requests = server.requests();
    assert!(requests.of(Op::CopyObject) > 0);
    let lost = requests.iter().filter(|request| request.status == 0).count();
    assert_eq!(lost, 2);
}

fn run_script(server: &LoopbackS3) -> String {
    let python = tools_dir().join("venv/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/loopback_s3.py");
    let (reader, token) = (server.read_only(), server.temporary());
    let output = Command::new(&python)
        .arg(script)
        .envs(server.worker_env())
        .env("LOOPBACK_S3_VERSIONED_BUCKET", server.versioned_bucket())
        .env("LOOPBACK_S3_READER_ACCESS_KEY", reader.access_key)
        .env("LOOPBACK_S3_READER_SECRET_KEY", reader.secret_key)
        .env("LOOPBACK_S3_TOKEN_ACCESS_KEY", token.access_key)
        .env("LOOPBACK_S3_TOKEN_SECRET_KEY", token.secret_key)
        .env("LOOPBACK_S3_SESSION_TOKEN", token.session_token.expect("the test can go on"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap_or_else(|error| panic!("{} ({error}); run: cargo xtask setup", python.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
