//! conformance, bench, completions, help.

use crate::support::{Ran, Sandbox};

#[test]
fn conformance_reports_a_row_a_clause_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let arguments =
        ["conformance", "--only", "STORE-1", "--only", "LOCK-2", "--only", "LIST-1", "--json"];
    let report = sandbox.run(&arguments).ok().json();
    let rows: Vec<_> = report["clauses"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&report["backend"], &report["passed"], rows.len()),
        (&"fs".into(), &3.into(), 3),
        "{report}"
    );
    assert!(rows.iter().all(|row| row["outcome"] == "passed"), "{report}");
    let left: Vec<_> = std::fs::read_dir(sandbox.path("store"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("conformance")), "{left:?}");
    let table =
        Ran::of(sandbox.command().args(["-s", "memory:", "conformance", "--only", "STORE-1"])).ok();
    assert!(
        table.text().contains("STORE-1     passed") && table.text().contains("1 passed, 0 failed"),
        "{table:?}"
    );
    sandbox.run(&["conformance", "--only", "STORE-99"]).fails(2, &["no clause \"STORE-99\""]);
}

#[test]
fn bench_measures_every_operation_and_the_hand_over_between_processes() {
    let sandbox = Sandbox::new();
    let report = sandbox.run(&["bench", "--rounds", "4", "--size", "100", "--json"]).ok().json();
    let operations = report["operations"].as_array().unwrap();
    let names: Vec<_> = operations.iter().map(|row| row["operation"].as_str().unwrap()).collect();
    let expected = [
        "store",
        "load",
        "stat",
        "exists",
        "list",
        "lock + unlock",
        "delete",
        "hand-over to a process",
    ];
    assert_eq!(names, expected);
    for row in operations {
        let micros = |field: &str| row[field].as_f64().unwrap();
        assert!(
            micros("p50_us") > 0.0
                && micros("p50_us") <= micros("p90_us")
                && micros("p90_us") <= micros("p99_us")
        );
        assert_eq!(row["rounds"], 4);
    }
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), "", "nothing stays");
    let table = Ran::of(sandbox.command().args(["-s", "memory:", "bench", "--rounds", "3"])).ok();
    assert!(
        table.text().starts_with("OPERATION") && table.text().contains("hand-over in one process"),
        "{table:?}"
    );
    assert_eq!(sandbox.run(&["bench", "--rounds", "0"]).code, Some(2));
}

#[test]
fn a_storage_to_read_only_is_read_and_never_written() {
    let sandbox = Sandbox::new();
    sandbox.run_with(&["put", "a/b"], b"1").ok();
    let file = format!("[storage]\nurl = \"{}\"\nread_only = true\n", sandbox.url("store"));
    let file = sandbox.write("read.toml", file).display().to_string();
    let url = format!("{}?read_only=true", sandbox.url("store"));
    for place in [["-c", &file], ["-s", &url]] {
        let run = |arguments: &[&str]| Ran::of(sandbox.command().args(place).args(arguments));
        assert_eq!(run(&["get", "a/b"]).ok().text(), "1");
        assert_eq!(run(&["ls"]).ok().text(), "a\n");
        let report = run(&["verify", "--json"]).ok().json();
        assert_eq!((&report["values"], &report["probe"]), (&1.into(), &serde_json::json!([])));
        run(&["doctor"]).ok();
        run(&["put", "a/c", &file]).fails(1, &["a/c", "read_only"]);
        run(&["rm", "a/b"]).fails(1, &["read_only"]);
        run(&["lock", "job", "--", "true"]).fails(1, &["read_only"]);
        run(&["conformance", "--only", "STORE-1"]).fails(2, &["read_only"]);
    }
    let left = sandbox.run(&["ls", "-r"]).ok();
    assert_eq!(left.text(), "a\na/b\n");
}

#[test]
fn completions_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Ran::of(sandbox.command().args(["completions", shell])).ok();
        assert!(
            script.text().contains("certs") && !script.text().contains("bench-peer\n"),
            "{shell}"
        );
    }
    assert_eq!(Ran::of(sandbox.command().args(["completions", "tcsh"])).code, Some(2));
}

#[test]
fn help_teaches_and_bad_usage_is_2() {
    let sandbox = Sandbox::new();
    let help = Ran::of(sandbox.command().arg("--help")).ok();
    for part in ["Examples:", "Exit codes:", "path (fs; ", "lock"] {
        assert!(help.text().contains(part), "{part}: {}", help.text());
    }
    assert!(!help.text().contains("supervise") && !help.text().contains("bench-peer"));
    for command in [
        "put",
        "get",
        "rm",
        "ls",
        "stat",
        "exists",
        "lock",
        "locks",
        "unlock",
        "certs",
        "clean",
        "copy",
        "export",
        "import",
        "verify",
        "watch",
        "doctor",
        "conformance",
        "bench",
        "completions",
    ] {
        let help = Ran::of(sandbox.command().args([command, "--help"])).ok();
        assert!(help.text().contains("Example"), "{command}");
    }
    for bad in [
        &["frobnicate"][..],
        &["put"],
        &["ls", "--frob"],
        &[],
        &["lock", "x", "--try", "--wait", "1s", "--", "true"],
    ] {
        let ran = Ran::of(sandbox.command().args(bad));
        assert_eq!((ran.code, ran.out.len()), (Some(2), 0), "{bad:?}");
    }
    assert!(Ran::of(sandbox.command().arg("--version")).ok().text().starts_with("certstore "));
    let page = Ran::of(sandbox.command().arg("markdown-help")).ok();
    for part in ["# The command line", "## certstore lock", "## certstore completions"] {
        assert!(page.text().contains(part), "{part}");
    }
    assert!(!page.text().contains("## certstore supervise"));
}
