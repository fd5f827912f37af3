//! doctor: what is wrong, and what to do.

use crate::support::{Ran, Sandbox};

#[test]
fn a_sound_storage_passes_and_nothing_stays() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "a"], b"1").ok();
    let report = sandbox.run(&["doctor", "--json"]).ok().json();
    assert_eq!(report["ok"], true, "{report}");
    let checks = report["checks"].as_array().unwrap();
    for name in ["config", "storage", "permission: store", "permission: delete", "clock", "locks"] {
        let check = checks.iter().find(|check| check["check"] == name);
        assert_eq!(check.map(|check| &check["status"]), Some(&"ok".into()), "{name}: {report}");
    }
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), "a\n");
    let table = sandbox.run(&["doctor"]).ok();
    assert!(table.text().contains("ok      locking: works"), "{}", table.text());
}

#[test]
fn what_is_wrong_is_told_with_advice() {
    let sandbox = Sandbox::new();
    let doctor = |arguments: &[&str]| Ran::of(sandbox.command().args(arguments));
    let wrong = sandbox.write("wrong.toml", "[storage]\nbackend = \"fs\"\npaht = \"/x\"\n");
    let ran = doctor(&["--config", wrong.to_str().unwrap(), "doctor", "--json"]);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 1), "{ran:?}");
    let config = &ran.json()["checks"][0];
    assert_eq!((&config["check"], &config["status"]), (&"config".into(), &"fail".into()));
    assert!(config["detail"].as_str().unwrap().contains("the nearest is \"path\""), "{config}");

    sandbox.write("file", "x");
    let ran = doctor(&["--storage", &sandbox.url("file"), "doctor"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.text().contains("FAIL    directory") && ran.text().contains("-> "),
        "{}",
        ran.text()
    );
    assert!(ran.err.contains("checks failed"), "{}", ran.err);

    // Nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://127.0.0.1:{port}/");
    let ran = doctor(&["-q", "--storage", &url, "doctor", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = ran.json();
    let check = |name: &str| {
        let found =
            report["checks"].as_array().unwrap().iter().find(|check| check["check"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {report}")).clone()
    };
    assert_eq!(check("server")["status"], "fail");
    assert!(check("server")["advice"].as_str().unwrap().contains("firewall"), "{report}");
    for behind in ["credentials", "place", "storage", "permissions", "locking", "clock"] {
        assert_eq!(check(behind)["status"], "skipped", "{behind}: {report}");
    }
}
