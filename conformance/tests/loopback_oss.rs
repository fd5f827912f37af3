//! The loopback OSS server: driven by Alibaba's own clients of another language, and its fault switches one by one.

#[path = "loopback_oss/client.rs"]
mod client;
#[path = "loopback_oss/faults.rs"]
mod faults;
#[path = "loopback_oss/restarts.rs"]
mod restarts;
#[path = "loopback_oss/wire.rs"]
mod wire;

use std::path::Path;
use std::process::Command;

use certstore_conformance::loopback_oss::{Effect, Fault, LoopbackOss, Op};
use certstore_conformance::servers::tools_dir;

/// The checks in the script; fewer are a part of it that did not run.
const CHECKS: usize = 471;

#[test]
fn both_official_clients_see_what_oss_documents() {
    let server = LoopbackOss::start().expect("the test can go on");
    let strike = |effect, op, key| server.fault(Fault::new(effect).on(op).key(key));
    let once = [
        strike(Effect::ServiceUnavailable, Op::PutObject, "fault/unavailable"),
        strike(Effect::QpsLimitExceeded, Op::PutObject, "fault/qps"),
        strike(Effect::InternalError, Op::PutObject, "fault/internal"),
        strike(Effect::Repeat, Op::AppendObject, "fault/repeat"),
        strike(Effect::LoseRequest, Op::AppendObject, "fault/lose-request"),
        strike(Effect::LoseReply, Op::AppendObject, "fault/lose-reply"),
    ];
    let ignored = [
        server.fault(Fault::new(Effect::IgnorePosition).key("fault/position").always()),
        server.fault(Fault::new(Effect::IgnoreForbidOverwrite).key("fault/overwrite").always()),
    ];
    server.add_bucket_elsewhere("certs-elsewhere", "oss-cn-elsewhere.aliyuncs.com");

    let printed = run_script(&server);

    assert_eq!(printed.trim(), format!("checks: {CHECKS}"));
    for fault in once {
        assert_eq!(fault.fired(), 1, "{fault:?}");
    }
    for fault in ignored {
        assert_eq!(fault.fired(), 2, "{fault:?}");
    }
    let lost = server.requests().iter().filter(|request| request.status == 0).count();
    assert_eq!(lost, 2);
}

fn run_script(server: &LoopbackOss) -> String {
    let python = tools_dir().join("venv/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/loopback_oss.py");
    let (reader, token) = (server.read_only(), server.temporary());
    let output = Command::new(&python)
        .arg(script)
        .envs(server.worker_env())
        .env("LOOPBACK_OSS_VERSIONED_BUCKET", server.versioned_bucket())
        .env("LOOPBACK_OSS_ELSEWHERE", "certs-elsewhere")
        .env("LOOPBACK_OSS_READER_ACCESS_KEY", reader.access_key)
        .env("LOOPBACK_OSS_READER_SECRET_KEY", reader.secret_key)
        .env("LOOPBACK_OSS_TOKEN_ACCESS_KEY", token.access_key)
        .env("LOOPBACK_OSS_TOKEN_SECRET_KEY", token.secret_key)
        .env("LOOPBACK_OSS_SESSION_TOKEN", token.session_token.expect("the test can go on"))
        .output()
        .unwrap_or_else(|error| panic!("{} ({error}); run: cargo xtask setup", python.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{printed}");
    printed
}
