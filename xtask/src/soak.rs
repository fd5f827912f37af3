//! `cargo xtask soak`: the long lock test.

use anyhow::Result;

use crate::shell::{cargo, run, shown};

/// 500 rounds of 8 processes over one lock, holders killed and paused at random.
pub(crate) fn soak() -> Result<()> {
    let mut command = cargo();
    command
        .args([
            "test",
            "--package",
            "certstore-fs",
            "--test",
            "lock_processes",
            "--",
            "--nocapture",
        ])
        .env("CERTSTORE_SOAK", "1");
    println!("$ CERTSTORE_SOAK=1 {}", shown(&command));
    run(&mut command)
}
