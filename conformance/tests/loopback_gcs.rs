//! The loopback server of Google Cloud Storage: driven by Google's own client of another language, and its fault
//! switches one by one.

#[path = "loopback_gcs/client.rs"]
mod client;
#[path = "loopback_gcs/faults.rs"]
mod faults;
#[path = "loopback_gcs/restarts.rs"]
mod restarts;
#[path = "loopback_gcs/tokens.rs"]
mod tokens;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use certstore_conformance::loopback_gcs::{Effect, Fault, LoopbackGcs, Op};
use certstore_conformance::servers::tools_dir;

/// The checks in the script; fewer are a part of it that did not run.
const CHECKS: usize = 251;

#[test]
fn googles_python_client_sees_what_google_documents() {
    let server = LoopbackGcs::start().expect("the test can go on");
    let strike = |effect, op, key| server.fault(Fault::new(effect).on(op).key(key));
    let once = [
        strike(Effect::FailAgainstItself, Op::InsertObject, "fault/against-itself"),
        strike(Effect::InternalError, Op::InsertObject, "fault/internal-error"),
        strike(Effect::InternalErrorAfter, Op::InsertObject, "fault/internal-error-after"),
        strike(Effect::ServiceUnavailable, Op::InsertObject, "fault/unavailable"),
        strike(Effect::TooManyRequests, Op::InsertObject, "fault/too-many"),
        strike(Effect::LoseRequest, Op::InsertObject, "fault/lose-request"),
        strike(Effect::LoseReply, Op::InsertObject, "fault/lose-reply"),
        strike(Effect::TruncateBody, Op::ReadObject, "fault/cut"),
        strike(Effect::TooManyRequests, Op::InsertObject, "retried/too-many"),
        strike(Effect::ServiceUnavailable, Op::ReadObject, "retried/unavailable"),
        strike(Effect::InternalErrorAfter, Op::InsertObject, "retried/done"),
        strike(Effect::ServiceUnavailable, Op::GetObject, "grpc-fault/unavailable"),
        strike(Effect::TooManyRequests, Op::GetObject, "grpc-fault/too-many"),
        strike(Effect::InternalError, Op::GetObject, "grpc-fault/internal"),
        strike(Effect::LoseRequest, Op::GetObject, "grpc-fault/lost"),
    ];
    let ignored = server.fault(Fault::new(Effect::IgnoreConditions).key("fault/ignored").always());

    let printed = run_script(&server);

    assert_eq!(printed.trim(), format!("checks: {CHECKS}"));
    for fault in once {
        assert_eq!(fault.fired(), 1, "{fault:?}");
    }
    assert_eq!(ignored.fired(), 3);
    let requests = server.requests();
    for op in [Op::UpdateObject, Op::GetBucket, Op::StartUpload, Op::ContinueUpload] {
        assert!(requests.of(op) > 0, "{op}");
    }
    let lost = requests.iter().filter(|request| request.status == 0).count();
    assert_eq!(lost, 3);
}

#[test]
fn a_second_write_of_an_object_comes_a_second_later() {
    let server = LoopbackGcs::start().expect("the test can go on");
    server.set_write_interval(Duration::from_millis(300));
    assert_eq!(client::put(&server, "a", "", "1"), 200);
    assert_eq!(client::put(&server, "a", "", "2"), 429);
    assert_eq!(client::send(&server, "DELETE", "/storage/v1/b/certs/o/a", &[], "").status, 429);
    assert_eq!(client::put(&server, "b", "", "1"), 200, "another object");
    // One that fails its condition does not count.
    assert_eq!(client::put(&server, "c", "&ifGenerationMatch=7", "1"), 412);
    assert_eq!(client::put(&server, "c", "&ifGenerationMatch=0", "1"), 200);
    std::thread::sleep(Duration::from_millis(320));
    assert_eq!(client::put(&server, "a", "", "2"), 200);
    server.set_write_interval(Duration::ZERO);
    assert_eq!(client::put(&server, "a", "", "3"), 200);
}

fn run_script(server: &LoopbackGcs) -> String {
    let python = tools_dir().join("venv/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/loopback_gcs.py");
    let output = Command::new(&python)
        .arg(script)
        .envs(server.worker_env())
        .env("LOOPBACK_GCS_READER_TOKEN", server.read_only_token())
        .env("LOOPBACK_GCS_POWERLESS_TOKEN", server.powerless_token())
        .output()
        .unwrap_or_else(|error| panic!("{} ({error}); run: cargo xtask setup", python.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
