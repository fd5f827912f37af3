//! One TLS stack, no OpenSSL, and a Rust version that is stated and true.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::metadata;
use crate::shell::{read, root};

const FORBIDDEN: [&str; 6] =
    ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys"];
const ONCE: [&str; 4] = ["rustls", "hyper", "tokio", "ring"];

pub(crate) fn check() -> Result<Vec<String>> {
    let mut problems = in_lock_file(&read(&root().join("Cargo.lock"))?);
    let stated = metadata::stated_rust_version()?;
    let newer = metadata::newer_than(&stated)?;
    problems.extend(
        newer
            .into_iter()
            .map(|needs| format!("Cargo.toml states rust-version {stated}, but {needs}")),
    );
    Ok(problems)
}

fn in_lock_file(text: &str) -> Vec<String> {
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("name = \"").and_then(|name| name.strip_suffix('"')) {
            *versions.entry(name).or_default() += 1;
        }
    }
    let forbidden = FORBIDDEN.iter().filter(|name| versions.contains_key(*name));
    let twice = ONCE.iter().filter(|name| versions.get(*name).is_some_and(|count| *count > 1));
    forbidden
        .map(|name| {
            format!(
                "Cargo.lock: {name} is in the tree; TLS and cryptography here are rustls and ring"
            )
        })
        .chain(twice.map(|name| format!("Cargo.lock: there are two versions of {name}")))
        .collect()
}

#[cfg(test)]
#[path = "lockfile_tests.rs"]
mod tests;
