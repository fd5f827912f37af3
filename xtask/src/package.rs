//! `cargo xtask package`: packs every crate and checks what was packed, as a registry would hand it out.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::metadata::{self, Package};
use crate::shell::{Scratch, cargo, read, root, run, shown, target_dir, write};

/// Packs, unpacks into a workspace of its own, and lets cargo check all of it: a file that was left out is missed there.
///
/// `cargo package` can verify by itself, crate by crate, and would build every dependency once more for each.
pub(crate) fn package() -> Result<()> {
    run(cargo().args(["fetch", "--locked", "--quiet"]))?;
    let mut command = cargo();
    command.args([
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "certstore-bench",
        "--no-verify",
        "--allow-dirty",
        "--offline",
        "--quiet",
    ]);
    println!("$ {}", shown(&command));
    run(&mut command)?;
    let published: Vec<Package> =
        metadata::members()?.into_iter().filter(|member| member.publish).collect();
    let scratch = Scratch::new("package")?;
    for member in &published {
        unpack(member, scratch.path())?;
    }
    write(
        &scratch.path().join("Cargo.toml"),
        &manifest(&published, &read(&root().join("Cargo.toml"))?),
    )?;
    std::fs::copy(root().join("Cargo.lock"), scratch.path().join("Cargo.lock"))?;
    let mut check = cargo();
    check.args(["check", "--workspace", "--all-targets", "--offline", "--quiet"]);
    println!("$ {}, on what was packed", shown(&check));
    run(check.current_dir(scratch.path()).env("CARGO_TARGET_DIR", target_dir()))
}

fn unpack(member: &Package, into: &Path) -> Result<()> {
    let name = archive(member);
    let path = target_dir().join("package").join(format!("{name}.crate"));
    let packed =
        std::fs::metadata(&path).with_context(|| format!("{} was not packed", member.name))?;
    println!("package: {name}.crate, {} KiB", packed.len().div_ceil(1024));
    run(Command::new("tar").arg("-xzf").arg(&path).arg("-C").arg(into))
}

fn archive(member: &Package) -> String {
    format!("{}-{}", member.name, env!("CARGO_PKG_VERSION"))
}

/// A workspace of the unpacked crates, each in the place of the registry's, built as this workspace is.
fn manifest(members: &[Package], root: &str) -> String {
    let names: Vec<String> =
        members.iter().map(|member| format!("{:?}", archive(member))).collect();
    let mut text = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[patch.crates-io]\n",
        names.join(", ")
    );
    for member in members {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{} = {{ path = {:?} }}", member.name, archive(member));
    }
    let mut of_profile = false;
    for line in root.lines() {
        if line.starts_with('[') {
            of_profile = line.starts_with("[profile.");
        }
        if of_profile {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
