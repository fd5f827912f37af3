//! The workspace's test programs: built by cargo, run several at once.
//!
//! `cargo test` runs one after another, and most of them wait for servers most of the time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{capture, cargo, duration, follow, shown};

/// A test program.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    /// Package and target, as in `certstore-redis conformance`.
    name: String,
    executable: PathBuf,
    /// The package's folder, in which cargo, too, runs its tests.
    folder: PathBuf,
}

/// Builds the tests of these targets and runs them, as many programs at once as there are cores. What a program prints
/// comes in one piece when it has ended, line by line through `line`.
pub(crate) fn run(
    targets: &[&str],
    variable: &(&str, PathBuf),
    mut line: impl FnMut(&str) + Send,
) -> Result<()> {
    let mut build = cargo();
    build.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    build.args(targets);
    println!("$ {}", shown(&build));
    let start = Instant::now();
    let mut programs = found(&capture(&mut build)?)?;
    println!("built {} test programs in {}", programs.len(), duration(start.elapsed()));
    programs.sort_by_key(|program| !is_long(&program.name));
    let failed = each(
        &programs,
        |program| {
            let mut lines = Vec::new();
            let start = Instant::now();
            let mut command = Command::new(&program.executable);
            command.current_dir(&program.folder).env(variable.0, &variable.1);
            command.env("CARGO_MANIFEST_DIR", &program.folder);
            let passed = follow(&mut command, |line| lines.push(line.to_owned()));
            (passed, lines, start.elapsed())
        },
        |program, (passed, lines, took)| {
            println!("{}: {}", program.name, duration(took));
            lines.iter().for_each(|text| line(text));
            match passed {
                Ok(true) => None,
                Ok(false) => Some(program.name.clone()),
                Err(error) => Some(format!("{} ({error:#})", program.name)),
            }
        },
    );
    if !failed.is_empty() {
        bail!("failed: {}; see above", failed.join(", "));
    }
    Ok(())
}

/// What takes longest begins first, so that the end is not one long program alone.
fn is_long(name: &str) -> bool {
    ["conformance", "caddy", "services"]
        .iter()
        .any(|long| name.split_whitespace().nth(1).is_some_and(|target| target.starts_with(long)))
}

/// The test programs in cargo's messages, one JSON object a line.
fn found(messages: &str) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for text in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Value = serde_json::from_str(text).context("a message of cargo")?;
        let is_test = message["profile"]["test"].as_bool() == Some(true);
        let (Some(executable), true) = (message["executable"].as_str(), is_test) else { continue };
        let manifest = Path::new(message["manifest_path"].as_str().context("no manifest_path")?);
        let folder = manifest.parent().context("a manifest lies in a folder")?.to_path_buf();
        let package = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let target = message["target"]["name"].as_str().context("no target")?;
        let kind = match message["target"]["kind"][0].as_str() {
            Some("test") => target.to_owned(),
            Some(kind) => format!("{target} ({kind})"),
            None => bail!("a target of no kind: {target}"),
        };
        programs.push(Program {
            name: format!("{package} {kind}"),
            executable: executable.into(),
            folder,
        });
    }
    Ok(programs)
}

/// Does `work` for each program on as many threads as there are cores, hands what each gave to `end`, one at a time, and
/// collects what that gives.
fn each<T, E: Send>(
    programs: &[Program],
    work: impl Fn(&Program) -> T + Sync,
    end: impl FnMut(&Program, T) -> Option<E> + Send,
) -> Vec<E> {
    let (next, ended) = (AtomicUsize::new(0), Mutex::new((end, Vec::new())));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = work(program);
                    let mut ended = ended.lock().expect("no thread panics while it holds this");
                    let (end, collected) = &mut *ended;
                    collected.extend(end(program, result));
                }
            });
        }
    });
    ended.into_inner().expect("no thread panics while it holds this").1
}

#[cfg(test)]
#[path = "test_programs_tests.rs"]
mod tests;
