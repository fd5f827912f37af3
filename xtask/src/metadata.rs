//! What `cargo metadata` says of the workspace.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::{capture, cargo, root};

/// A package of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the root.
    pub(crate) folder: String,
    pub(crate) publish: bool,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency that a package declares.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) dev: bool,
}

/// The packages of the workspace, by name.
pub(crate) fn members() -> Result<Vec<Package>> {
    let all = query(&["--no-deps"])?;
    let mut members = packages(&all)?.iter().map(package).collect::<Result<Vec<_>>>()?;
    members.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(members)
}

/// Dependencies that say they need a newer Rust than `limit`, such as `1.95`.
pub(crate) fn newer_than(limit: &str) -> Result<Vec<String>> {
    let all = query(&[])?;
    let needs = |package: &Value| {
        let needed = package["rust_version"].as_str()?;
        (version(needed) > version(limit))
            .then(|| format!("{} needs Rust {needed}", package["name"]))
    };
    Ok(packages(&all)?.iter().filter_map(needs).collect())
}

/// The workspace's stated minimum of Rust.
pub(crate) fn stated_rust_version() -> Result<String> {
    let all = query(&["--no-deps"])?;
    let stated = packages(&all)?
        .iter()
        .find_map(|package| package["rust_version"].as_str().map(str::to_owned));
    stated.context("no package states a rust-version")
}

fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn query(arguments: &[&str]) -> Result<Value> {
    let text = capture(cargo().args(["metadata", "--format-version", "1"]).args(arguments))?;
    serde_json::from_str(&text).context("cargo metadata gave no JSON")
}

fn packages(metadata: &Value) -> Result<&Vec<Value>> {
    metadata["packages"].as_array().context("cargo metadata lists no packages")
}

fn package(value: &Value) -> Result<Package> {
    let text =
        |name: &str| value[name].as_str().with_context(|| format!("a package without {name}"));
    let manifest = text("manifest_path")?;
    let folder = manifest.strip_suffix("/Cargo.toml").unwrap_or(manifest);
    let root = root().canonicalize()?;
    let dependencies = value["dependencies"].as_array().into_iter().flatten();
    Ok(Package {
        name: text("name")?.to_owned(),
        folder: std::path::Path::new(folder).strip_prefix(&root)?.to_string_lossy().into_owned(),
        publish: value["publish"].is_null(),
        dependencies: dependencies
            .filter_map(|dependency| {
                Some(Dependency {
                    name: dependency["name"].as_str()?.to_owned(),
                    dev: dependency["kind"].as_str() == Some("dev"),
                })
            })
            .collect(),
    })
}
