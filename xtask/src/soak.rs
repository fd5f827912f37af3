//! `cargo xtask soak [BACKEND]`: the long run of locks under fire, and of histories.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::metadata;
use crate::shell::{cargo, root, run, shown};

/// Minutes of killed and stopped processes over each backend that has a test `soak`, or over one.
pub(crate) fn soak(arguments: &[String]) -> Result<()> {
    let packages: Vec<String> = metadata::members()?
        .into_iter()
        .map(|member| member.name)
        .filter(|package| folder(package).join("tests/soak.rs").is_file())
        .collect();
    let chosen: Vec<&String> = match arguments {
        [] => packages.iter().collect(),
        [name] => packages.iter().filter(|package| backend(package) == name).collect(),
        _ => bail!("cargo xtask soak takes one backend or none"),
    };
    if chosen.is_empty() {
        let known: Vec<&str> = packages.iter().map(|package| backend(package)).collect();
        bail!("there is no such backend; there are: {}", known.join(", "));
    }
    let mut failed = Vec::new();
    for package in chosen {
        let mut command = cargo();
        command.args(["test", "--package", package, "--test", "soak", "--", "--nocapture"]);
        command.env("CERTSTORE_SOAK", "1");
        println!("$ CERTSTORE_SOAK=1 {}", shown(&command));
        if run(&mut command).is_err() {
            failed.push(backend(package));
        }
    }
    if !failed.is_empty() {
        bail!("failed on {}", failed.join(", "));
    }
    Ok(())
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
