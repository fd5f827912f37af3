//! `cargo xtask soak [BACKEND|manager|fuzz]`: the long run of locks under fire, of histories, of the certificate manager,
//! and of damaged input.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::metadata;
use crate::shell::{cargo, root, run, shown};

/// Where damaged input is made up, in tests whose names have `fuzz`: package and target.
const FUZZED: [(&str, &[&str]); 3] = [
    ("certstore-layers", &["--test", "seal"]),
    ("certstore-redis", &["--lib"]),
    ("certstore-s3", &["--lib"]),
];

/// Certificates of 90 seconds for ten minutes, and a storage that is stopped for one.
const MANAGER: (&str, &[&str], &[&str]) = ("certstore-cli", &["--test", "acme"], &["lasting::"]);

/// Minutes of killed and stopped processes over each backend that has a test `soak`, or over one; then, or with
/// `manager` alone, of the certificate manager; then, or with `fuzz` alone, a hundred times as much damaged input for the
/// parser of keysets and every codec.
pub(crate) fn soak(arguments: &[String]) -> Result<()> {
    let packages: Vec<String> = metadata::members()?
        .into_iter()
        .map(|member| member.name)
        .filter(|package| folder(package).join("tests/soak.rs").is_file())
        .collect();
    let chosen: Vec<&String> = match arguments {
        [] => packages.iter().collect(),
        [name] if name == "fuzz" || name == "manager" => Vec::new(),
        [name] => packages.iter().filter(|package| backend(package) == name).collect(),
        _ => bail!("cargo xtask soak takes one backend, manager, fuzz or nothing"),
    };
    let [fuzz, manager] =
        ["fuzz", "manager"].map(|part| arguments.first().is_none_or(|name| name == part));
    if chosen.is_empty() && !fuzz && !manager {
        let known: Vec<&str> =
            packages.iter().map(|package| backend(package)).chain(["manager", "fuzz"]).collect();
        bail!("there is no such backend; there are: {}", known.join(", "));
    }
    let mut failed = Vec::new();
    for package in chosen {
        if !long_run(package, &["--test", "soak"], &[]) {
            failed.push(backend(package));
        }
    }
    let (package, target, filter) = MANAGER;
    if manager && !long_run(package, target, filter) {
        failed.push("manager");
    }
    for (package, target) in FUZZED.iter().filter(|_| fuzz) {
        if !long_run(package, target, &["fuzz"]) {
            failed.push(package);
        }
    }
    if !failed.is_empty() {
        bail!("failed on {}", failed.join(", "));
    }
    Ok(())
}

/// Whether the tests of a package passed in their long form.
fn long_run(package: &str, target: &[&str], filter: &[&str]) -> bool {
    let mut command = cargo();
    command.args(["test", "--package", package]).args(target).args(filter);
    command.args(["--", "--nocapture"]).env("CERTSTORE_SOAK", "1");
    println!("$ CERTSTORE_SOAK=1 {}", shown(&command));
    run(&mut command).is_ok()
}

/// The memory backend is soaked by the suite's own tests.
fn backend(package: &str) -> &str {
    match package.strip_prefix("certstore-") {
        Some("conformance") => "memory",
        Some(name) => name,
        None => package,
    }
}

fn folder(package: &str) -> PathBuf {
    match package {
        "certstore-conformance" => root().join("conformance"),
        _ => root().join("crates").join(package),
    }
}
