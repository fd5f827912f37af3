//! `cargo xtask outside`: docs/adding-a-backend.md, followed to the letter, outside the workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::blocks::{Block, blocks};
use crate::new_backend;
use crate::shell::{Scratch, capture, cargo, follow, read, root, run, target_dir, write};

const PAGE: &str = "docs/adding-a-backend.md";
const NAME: &str = "shelf";

/// What a backend's author must not be made to build: servers, drivers, TLS, the other crates of the workspace.
const FOREIGN: [&str; 10] = [
    "certstore",
    "certstore-fs",
    "certstore-cli",
    "rustls",
    "ring",
    "hyper",
    "axum",
    "redis",
    "sqlx",
    "x509-parser",
];

/// Writes the crate as the page says, sees it fail, fills it in as the page says, and sees it pass.
pub(crate) fn outside() -> Result<()> {
    let page = read(&root().join(PAGE))?;
    let blocks = blocks(&page);
    if !page.contains(&format!("cargo xtask new-backend {NAME} --into")) || blocks.is_empty() {
        bail!("{PAGE} does not begin with cargo xtask new-backend {NAME} --into, or has no files");
    }
    let scratch = Scratch::new("outside")?;
    let folder = new_backend::outside(NAME, scratch.path())?;
    // The versions that the workspace was tested with, and no wait for a registry.
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    println!("outside: the crate as new-backend writes it must compile, and fail its conformance");
    let (succeeded, outcome) = suite(&folder)?;
    if succeeded || outcome.failed == 0 {
        bail!("the empty backend passes its conformance");
    }
    println!("outside: {} cases fail on it; now as {PAGE} says", outcome.failed);
    for Block { file, text } in blocks {
        write(&folder.join(&file), &text)?;
    }
    let mut clippy = here(&folder, "clippy");
    run(clippy.args(["--quiet", "--all-targets", "--", "-D", "warnings"]))?;
    let (succeeded, outcome) = suite(&folder)?;
    if !succeeded {
        bail!("{} cases fail on the backend of {PAGE}", outcome.failed);
    }
    println!("outside: {} cases pass, {} are not supported", outcome.passed, outcome.not_supported);
    no_foreign_crates(&folder)
}

/// What the cases of a run came to.
#[derive(Default)]
struct Outcome {
    passed: usize,
    failed: usize,
    not_supported: usize,
}

fn suite(folder: &Path) -> Result<(bool, Outcome)> {
    let mut build = here(folder, "test");
    run(build.args(["--quiet", "--test", "conformance", "--no-run"]))?;
    let mut test = here(folder, "test");
    test.args(["--test", "conformance"]);
    println!("$ cargo test --test conformance");
    let mut outcome = Outcome::default();
    let mut other = Vec::new();
    let succeeded = follow(&mut test, |line| {
        outcome.not_supported += usize::from(line.contains(" not supported: "));
        if line.starts_with("test ") {
            outcome.passed += usize::from(line.ends_with("... ok"));
            outcome.failed += usize::from(line.ends_with("... FAILED"));
        } else {
            other.push(line.to_owned());
        }
    })?;
    // On the empty backend most cases fail, as they should.
    if !succeeded && outcome.passed > outcome.failed {
        println!("{}", other.join("\n"));
    }
    outcome.passed = outcome.passed.saturating_sub(outcome.not_supported);
    Ok((succeeded, outcome))
}

/// cargo in the crate, with this workspace in the place of the registry for the crates of this workspace.
fn here(folder: &Path, subcommand: &str) -> Command {
    let mut command = cargo();
    command.arg(subcommand).current_dir(folder).env("CARGO_TARGET_DIR", target_dir());
    for (name, path) in
        [("certstore-core", "crates/certstore-core"), ("certstore-conformance", "conformance")]
    {
        let path = root().join(path);
        command.arg("--config").arg(format!("patch.crates-io.{name}.path=\"{}\"", path.display()));
    }
    command
}

fn no_foreign_crates(folder: &Path) -> Result<()> {
    let mut tree = here(folder, "tree");
    let tree =
        capture(tree.args(["--edges", "normal,dev", "--prefix", "none", "--target", "all"]))?;
    let foreign = tree.lines().find(|line| FOREIGN.iter().any(|name| is_crate(line, name)));
    match foreign {
        Some(line) => bail!("a backend with its suite pulls in {line}"),
        None => {
            println!("outside: no server, no second driver among its {} crates", crates(&tree));
            Ok(())
        }
    }
}

fn is_crate(line: &str, name: &str) -> bool {
    line.split(' ').next() == Some(name)
}

fn crates(tree: &str) -> usize {
    let mut names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}
