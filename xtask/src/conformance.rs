//! `cargo xtask conformance [BACKEND]`: the suite on every backend and every server, as the tests run it.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use crate::report::{Report, table};
use crate::shell::{cargo, read, run, shown, target_dir};
use crate::{clauses, metadata};

/// Tells a test of the suite where to write what it found.
const REPORTS_ENV: &str = "CERTSTORE_CONFORMANCE_REPORTS";

/// The columns, in this order; what is not named here comes last.
const ORDER: &[&str] = &[
    "memory",
    "fs",
    "redis",
    "valkey",
    "postgres",
    "pgbouncer",
    "s3",
    "gcs",
    "oss",
    "secretsmanager",
];

/// Runs the suite and prints the table; fails when a clause does.
pub(crate) fn conformance(arguments: &[String]) -> Result<()> {
    let some;
    let reports: &[Report] = match arguments {
        [] => all()?,
        [name] => {
            let package = match name.as_str() {
                "memory" => "certstore-conformance".to_owned(),
                name => format!("certstore-{name}"),
            };
            let members = metadata::members()?;
            if !members.iter().any(|member| member.name == package) {
                bail!("there is no backend {name}");
            }
            some = run_and_collect(&["--package", &package])?;
            &some
        }
        _ => bail!("cargo xtask conformance takes one backend or none"),
    };
    print!("{}", table(reports));
    let failed: Vec<&str> = reports
        .iter()
        .filter(|report| report.count("failed") > 0)
        .map(|report| report.backend.as_str())
        .collect();
    if !failed.is_empty() {
        bail!("clauses failed on {}", failed.join(", "));
    }
    Ok(())
}

static COLLECTED: OnceLock<PathBuf> = OnceLock::new();

/// The folder that the tests of a whole run write their reports to, empty: [`all`] then reads it.
pub(crate) fn collect_from_tests() -> Result<(&'static str, PathBuf)> {
    let folder = emptied()?;
    Ok((REPORTS_ENV, COLLECTED.get_or_init(|| folder).clone()))
}

/// The reports of all backends, run once, or those of an earlier run in the folder that the environment names.
pub(crate) fn all() -> Result<&'static [Report]> {
    static REPORTS: OnceLock<Vec<Report>> = OnceLock::new();
    if let Some(reports) = REPORTS.get() {
        return Ok(reports);
    }
    let given = std::env::var_os(REPORTS_ENV).map(PathBuf::from);
    let reports = match COLLECTED.get().or(given.as_ref()) {
        Some(folder) => read_reports(folder)?,
        // the program's own tests have none of the suite
        None => run_and_collect(&["--workspace", "--exclude", "certstore-cli"])?,
    };
    Ok(REPORTS.get_or_init(|| reports))
}

fn run_and_collect(packages: &[&str]) -> Result<Vec<Report>> {
    let folder = emptied()?;
    let mut command = cargo();
    command.args(["test", "--no-fail-fast", "--quiet"]).args(packages);
    for test in ["conformance*", "caddy*", "memory*"] {
        command.args(["--test", test]);
    }
    println!("$ {}", shown(&command));
    // A clause that fails is in its report.
    let ran = run(command.env(REPORTS_ENV, &folder));
    let reports = read_reports(&folder)?;
    if reports.is_empty() {
        ran?;
        bail!("no test of the suite wrote a report");
    }
    Ok(reports)
}

fn emptied() -> Result<PathBuf> {
    let folder = target_dir().join("conformance-reports");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// A folder a backend, in it a report a clause.
fn read_reports(folder: &PathBuf) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let backend = entry.file_name().to_string_lossy().into_owned();
        let mut report = Report { backend, declared: Vec::new(), clauses: Vec::new() };
        for clause in clauses::in_core()? {
            let file = entry.path().join(format!("{}.json", clause.id));
            if file.is_file() {
                let one = Report::parse(&report.backend, &read(&file)?)
                    .with_context(|| format!("{} is no report", file.display()))?;
                report.declared = one.declared;
                report.clauses.extend(one.clauses);
            }
        }
        reports.push(report);
    }
    let place = |report: &Report| {
        let known = ORDER.iter().position(|name| {
            let rest = report.backend.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        (known.unwrap_or(ORDER.len()), report.backend.clone())
    };
    reports.sort_by_key(place);
    Ok(reports)
}
