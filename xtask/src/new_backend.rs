//! `cargo xtask new-backend NAME [--into FOLDER]`: a crate that compiles and fails its conformance honestly.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, read, root, run, write};

/// The files of a backend crate, with `{{name}}` and `{{Name}}` where its name goes.
const FILES: [(&str, &str); 7] = [
    ("README.md", include_str!("../templates/backend/README.md")),
    ("src/lib.rs", include_str!("../templates/backend/src/lib.rs")),
    ("src/config.rs", include_str!("../templates/backend/src/config.rs")),
    ("src/error.rs", include_str!("../templates/backend/src/error.rs")),
    ("src/register.rs", include_str!("../templates/backend/src/register.rs")),
    ("src/storage.rs", include_str!("../templates/backend/src/storage.rs")),
    ("tests/conformance.rs", include_str!("../templates/backend/tests/conformance.rs")),
];
const INSIDE: &str = include_str!("../templates/backend/Cargo.inside.toml");
const OUTSIDE: &str = include_str!("../templates/backend/Cargo.outside.toml");

/// Writes the crate: into `crates/` as a member of the workspace, or into a folder as a crate of its own.
pub(crate) fn new_backend(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [name] => inside(name),
        [name, "--into", folder] | ["--into", folder, name] => {
            let folder = outside(name, Path::new(folder))?;
            println!("new-backend: {} written; next: docs/adding-a-backend.md", folder.display());
            Ok(())
        }
        _ => bail!("usage: cargo xtask new-backend NAME [--into FOLDER]"),
    }
}

/// A crate of its own in `folder`.
pub(crate) fn outside(name: &str, folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(format!("certstore-{name}"));
    write_crate(name, &folder, OUTSIDE)?;
    Ok(folder)
}

fn inside(name: &str) -> Result<()> {
    let folder = format!("crates/certstore-{name}");
    write_crate(name, &root().join(&folder), INSIDE)?;
    let manifest = root().join("Cargo.toml");
    write(&manifest, &with_member(&read(&manifest)?, name)?)?;
    run(cargo().args(["fmt", "--package", &format!("certstore-{name}")]))?;
    println!(
        "new-backend: {folder} written, and named in Cargo.toml; next: docs/adding-a-backend.md"
    );
    Ok(())
}

fn write_crate(name: &str, folder: &Path, manifest: &str) -> Result<()> {
    let valid = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !valid {
        bail!("a backend's name is lower-case letters and digits, such as redis; {name:?} is not");
    }
    if folder.exists() {
        bail!("{} is there already", folder.display());
    }
    for (file, template) in FILES.into_iter().chain([("Cargo.toml", manifest)]) {
        write(&folder.join(file), &filled(template, name))?;
    }
    Ok(())
}

fn filled(template: &str, name: &str) -> String {
    let (first, rest) = name.split_at(1);
    template
        .replace("{{name}}", name)
        .replace("{{Name}}", &format!("{}{rest}", first.to_ascii_uppercase()))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
}

/// The workspace's manifest with one member and one dependency more.
fn with_member(manifest: &str, name: &str) -> Result<String> {
    let insert = |text: &str, before: &str, line: String| {
        let at = text.find(before).with_context(|| format!("Cargo.toml has no {before}"))?;
        Ok::<_, anyhow::Error>(format!("{}{line}\n{}", &text[..at], &text[at..]))
    };
    let with_member = insert(
        manifest,
        "    \"crates/certstore\",",
        format!("    \"crates/certstore-{name}\", # {name}: say in a line what it is"),
    )?;
    insert(
        &with_member,
        "certstore = { path",
        format!(
            "certstore-{name} = {{ path = \"crates/certstore-{name}\", version = \"{}\" }}",
            env!("CARGO_PKG_VERSION")
        ),
    )
}

#[cfg(test)]
#[path = "new_backend_tests.rs"]
mod tests;
