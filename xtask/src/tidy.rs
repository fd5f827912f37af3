//! `cargo xtask tidy`: what compilers and lints do not see.

mod backends;
mod broken;
mod contract;
mod edges;
mod lockfile;
mod markdown;
mod sizes;
mod words;

use anyhow::{Result, bail};

pub(crate) use contract::is_number;

use crate::metadata;

/// Runs every check, prints what is wrong, and fails if anything is.
pub(crate) fn tidy() -> Result<()> {
    let members = metadata::members()?;
    let mut problems = edges::check(&members);
    problems.extend(lockfile::check()?);
    problems.extend(contract::check()?);
    problems.extend(broken::check()?);
    problems.extend(backends::check(&members)?);
    problems.extend(sizes::check()?);
    problems.extend(markdown::check(&members)?);
    problems.extend(words::check()?);
    for problem in &problems {
        println!("tidy: {problem}");
    }
    if !problems.is_empty() {
        bail!("{} found by tidy", counted(problems.len(), "fault"));
    }
    println!("tidy: nothing found");
    Ok(())
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
