//! `cargo xtask test`: everything, step by step, each with its time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::shell::{cargo, duration, follow, run, shown};
use crate::tidy::is_number;
use crate::{conformance, demo, docs, outside, package, programs, setup, test_programs, tidy};

/// What test programs report, added up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
    /// Conformance cases that need what the backend declares it lacks. Test programs report them as passed, too.
    not_supported: usize,
}

struct Step {
    name: &'static str,
    run: fn(&mut Counts) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "setup", run: |_| setup::setup() },
    Step { name: "format", run: |_| quiet(&["fmt", "--all", "--", "--check"]) },
    Step {
        name: "lints",
        run: |_| {
            quiet(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
        },
    },
    Step {
        name: "tests",
        run: |counts| {
            let reports = conformance::collect_from_tests()?;
            let targets = ["--lib", "--bins", "--tests", "--examples"];
            test_programs::run(&targets, &reports, |line| counts.show(line))
        },
    },
    Step {
        name: "doc tests",
        run: |counts| tests(counts, &["--workspace", "--no-fail-fast", "--doc"]),
    },
    // What is not there says so: in the workspace as a whole every feature is on.
    Step {
        name: "without features",
        run: |counts| tests(counts, &["-p", "certstore-instant-acme", "--lib", "private_key"]),
    },
    Step { name: "documentation", run: |_| documentation() },
    Step { name: "demo", run: |_| demo::demo() },
    Step { name: "generated docs", run: |_| docs::docs(&["--check".to_owned()]) },
    Step { name: "tidy", run: |_| tidy::tidy() },
    Step { name: "packages", run: |_| package::package() },
    Step { name: "outside the workspace", run: |_| outside::outside() },
    Step { name: "conformance", run: |_| conformance::conformance(&[]) },
];

/// Runs every step, or those that are named, also after one failed, and sums up.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    let chosen =
        |step: &&Step| arguments.is_empty() || arguments.iter().any(|name| name == step.name);
    if let Some(unknown) = arguments.iter().find(|name| STEPS.iter().all(|step| step.name != *name))
    {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown:?}; there are: {}", names.join(", "));
    }
    programs::as_tested();
    let begun = Instant::now();
    let mut counts = Counts::default();
    let mut outcomes: Vec<(&str, Duration, bool)> = Vec::new();
    for step in STEPS.iter().filter(chosen) {
        println!("\n==> {}", step.name);
        let start = Instant::now();
        let outcome = (step.run)(&mut counts);
        let took = start.elapsed();
        if let Err(error) = &outcome {
            println!("==> {} FAILED: {error:#}", step.name);
        }
        println!("==> {}: {}", step.name, duration(took));
        outcomes.push((step.name, took, outcome.is_ok()));
    }
    sum_up(&outcomes, counts, begun.elapsed())
}

/// The last line stands alone: tests that passed; tests, and steps that run no tests, that failed.
fn sum_up(outcomes: &[(&str, Duration, bool)], counts: Counts, took: Duration) -> Result<()> {
    println!();
    for (name, took, passed) in outcomes {
        println!(
            "{:<24} {:<7} {:>12}",
            name,
            if *passed { "passed" } else { "FAILED" },
            duration(*took)
        );
    }
    let failed_steps = outcomes.iter().filter(|(_, _, passed)| !passed).count();
    println!(
        "\n{} of {} steps passed in {}; tests: {} passed, {} failed, {} not supported by the \
         backend, {} ignored (processes that other tests start)",
        outcomes.len() - failed_steps,
        outcomes.len(),
        duration(took),
        counts.held(),
        counts.failed,
        counts.not_supported,
        counts.ignored
    );
    println!("{} passed, {} failed", counts.held(), counts.failed.max(failed_steps));
    if failed_steps > 0 {
        bail!("");
    }
    Ok(())
}

fn quiet(arguments: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.args(arguments);
    println!("$ {}", shown(&command));
    run(&mut command)
}

fn documentation() -> Result<()> {
    let mut command = cargo();
    command
        .args(["doc", "--workspace", "--no-deps", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings");
    println!("$ RUSTDOCFLAGS='-D warnings' {}", shown(&command));
    run(&mut command)
}

fn tests(counts: &mut Counts, arguments: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.arg("test").args(arguments);
    println!("$ {}", shown(&command));
    if !follow(&mut command, |line| counts.show(line))? {
        bail!("tests failed; see above");
    }
    Ok(())
}

impl Counts {
    /// Adds a line of a test program, and shows it unless it is that of a test that passed.
    fn show(&mut self, line: &str) {
        self.add(line);
        let passed = line.starts_with("test ") && line.ends_with("... ok");
        if !passed && !line.trim().is_empty() {
            println!("{line}");
        }
    }

    /// The tests that ran and passed.
    fn held(self) -> usize {
        self.passed.saturating_sub(self.not_supported)
    }

    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; ...`, or `CAS-1 not supported: ...`; other
    /// lines add nothing.
    fn add(&mut self, line: &str) {
        if line.split_once(" not supported: ").is_some_and(|(id, _)| is_number(id)) {
            self.not_supported += 1;
        }
        let Some((_, result)) = line.split_once("test result: ") else { return };
        let number = |what: &str| {
            let part = result.split([';', '.']).find(|part| part.trim().ends_with(what))?;
            part.split_whitespace().next()?.parse::<usize>().ok()
        };
        self.passed += number("passed").unwrap_or(0);
        self.failed += number("failed").unwrap_or(0);
        self.ignored += number("ignored").unwrap_or(0);
    }
}

#[cfg(test)]
#[path = "test_tests.rs"]
mod unit;
