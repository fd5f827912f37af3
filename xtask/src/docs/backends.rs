//! docs/backends.md: what each backend was seen to do.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::conformance;
use crate::report::Report;

const INTRODUCTION: &str = "\
# Backends

What each backend declares, and what it was seen to do: every clause of the [contract](contract.md) has one case in the
conformance suite, and this is a run of all of them. A column is a backend as it was run: on which server, in which layout.

## Declared

";

const SEEN: &str = "
## Seen

*Not supported* means that the clause needs what the backend declares it lacks (that such calls are refused is CAP-1), or
what this run could not bring about. *Unproven* means that the server is known to do otherwise there than the service
which it stands for, so the case was not run. The reasons stand below the table.

";

pub(super) fn page() -> Result<String> {
    let reports = conformance::all()?;
    if let Some(report) = reports.iter().find(|report| report.count("failed") > 0) {
        bail!("clauses fail on {}; cargo xtask conformance shows them", report.backend);
    }
    Ok(write(reports))
}

fn write(reports: &[Report]) -> String {
    let mut page = INTRODUCTION.to_owned();
    let names: Vec<&str> = reports.iter().map(|report| report.backend.as_str()).collect();
    let rule = "---|".repeat(names.len());
    // Writing to a string does not fail.
    let _ = writeln!(page, "| | {} |\n|---|{rule}", names.join(" | "));
    for (name, _) in reports.first().map(|report| report.declared.as_slice()).unwrap_or_default() {
        let _ = writeln!(page, "| {name} | {} |", values(reports, name).join(" | "));
    }
    page.push_str(SEEN);
    let _ = writeln!(page, "| clause | {} | |\n|---|{rule}---|", names.join(" | "));
    for outcome in ["passed", "not-supported", "unproven"] {
        let counts: Vec<String> =
            reports.iter().map(|report| format!("**{}**", report.count(outcome))).collect();
        let _ = writeln!(page, "| **{}** | {} | |", words(outcome), counts.join(" | "));
    }
    for clause in reports.first().map(|report| report.clauses.as_slice()).unwrap_or_default() {
        let outcomes: Vec<&str> = reports
            .iter()
            .map(|report| {
                report.clause(&clause.id).map_or("missing", |found| words(&found.outcome))
            })
            .collect();
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            clause.id,
            outcomes.join(" | "),
            clause.title.replace('|', "\\|")
        );
    }
    for report in reports {
        let _ = writeln!(page, "\n### {}\n", report.backend);
        for clause in &report.clauses {
            if let Some(detail) = &clause.detail {
                let outcome = words(&clause.outcome);
                let _ = writeln!(page, "* {} is {outcome}: {detail}", clause.id);
            }
            for note in &clause.notes {
                let _ = writeln!(page, "* {}: {note}", clause.id);
            }
        }
    }
    page
}

fn values<'a>(reports: &'a [Report], name: &str) -> Vec<&'a str> {
    let value = |report: &'a Report| {
        let found = report.declared.iter().find(|(declared, _)| declared == name);
        found.map_or("missing", |(_, value)| value.as_str())
    };
    reports.iter().map(value).collect()
}

fn words(outcome: &str) -> &str {
    if outcome == "not-supported" { "not supported" } else { outcome }
}
