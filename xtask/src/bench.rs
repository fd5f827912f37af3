//! `cargo xtask bench`: the measurements behind the claims about the backends.

use anyhow::Result;

use crate::shell::{cargo, run, shown};

/// Builds the measurements with optimisations and runs them; arguments choose among them.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let mut command = cargo();
    command
        .args(["bench", "--package", "certstore-bench", "--bench", "measure", "--"])
        .args(arguments);
    println!("$ {}", shown(&command));
    run(&mut command)
}
