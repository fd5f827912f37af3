//! The programs of the workspace that the commands run, built when first asked for.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Result;

use crate::shell::{cargo, run, shown, target_dir};

/// What to build. The features of dependencies are united over what one call builds, so after the tests it is quicker
/// to ask for all of it again than for a part.
static ALL: OnceLock<()> = OnceLock::new();
static BUILT: OnceLock<()> = OnceLock::new();

/// From here on the programs are built as the tests built them.
pub(crate) fn as_tested() {
    ALL.get_or_init(|| ());
}

/// The command line, `certstore`.
pub(crate) fn certstore() -> Result<Command> {
    program("certstore")
}

/// `https-get ADDRESS ROOT NAME`: prints the page of a site.
pub(crate) fn https_get() -> Result<Command> {
    program("examples/https-get")
}

/// `config-reference`: prints docs/config.md.
pub(crate) fn config_reference() -> Result<Command> {
    program("examples/config-reference")
}

fn program(name: &str) -> Result<Command> {
    if BUILT.get().is_none() {
        let mut build = cargo();
        build.arg("build");
        if ALL.get().is_some() {
            build.args(["--workspace", "--bins", "--tests", "--examples"]);
        } else {
            build.args([
                "--package",
                "certstore-cli",
                "--package",
                "xtask",
                // files are enough, and quick to build
                "--no-default-features",
                "--bins",
                "--examples",
            ]);
        }
        println!("building: {}", shown(&build));
        run(&mut build)?;
        BUILT.get_or_init(|| ());
    }
    Ok(Command::new(path(name)))
}

fn path(name: &str) -> PathBuf {
    target_dir().join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
