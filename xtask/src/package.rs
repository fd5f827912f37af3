//! `cargo xtask package`: packs every crate and builds what was packed, as a registry would hand it out.

use anyhow::{Result, bail};

use crate::metadata;
use crate::shell::{cargo, run, shown, target_dir};

/// Packs, and lets cargo build each package from its archive: a file that was left out does not compile.
pub(crate) fn package() -> Result<()> {
    let mut command = cargo();
    command.args([
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--allow-dirty",
        "--locked",
        "--quiet",
    ]);
    println!("$ {}", shown(&command));
    run(&mut command)?;
    for member in metadata::members()?.iter().filter(|member| member.publish) {
        let archive = format!("{}-{}.crate", member.name, env!("CARGO_PKG_VERSION"));
        let path = target_dir().join("package").join(&archive);
        let Ok(packed) = std::fs::metadata(&path) else { bail!("{} was not packed", member.name) };
        println!("package: {archive}, {} KiB", packed.len().div_ceil(1024));
    }
    Ok(())
}
