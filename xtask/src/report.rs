//! What a run of the conformance suite found, read from its JSON.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

/// The outcomes on one backend.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) backend: String,
    /// Capabilities and their values, in words.
    pub(crate) declared: Vec<(String, String)>,
    pub(crate) clauses: Vec<ClauseOutcome>,
}

/// The outcome of one clause.
#[derive(Debug, Clone)]
pub(crate) struct ClauseOutcome {
    pub(crate) id: String,
    pub(crate) title: String,
    /// `passed`, `failed`, `not-supported`, or `unproven`: not run, since the server is known to differ from the real one.
    pub(crate) outcome: String,
    pub(crate) detail: Option<String>,
    pub(crate) notes: Vec<String>,
}

impl Report {
    pub(crate) fn parse(backend: &str, json: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(json.trim()).context("the report is no JSON")?;
        let clauses = json["clauses"].as_array().context("the report has no clauses")?;
        let clauses = clauses.iter().map(ClauseOutcome::parse).collect::<Option<Vec<_>>>();
        let clauses = clauses.context("a clause of the report lacks id, title or outcome")?;
        let declared = json["declared"].as_object().context("the report declares nothing")?;
        let declared = declared
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Ok(Self { backend: backend.to_owned(), declared: declared.collect(), clauses })
    }

    pub(crate) fn count(&self, outcome: &str) -> usize {
        self.clauses.iter().filter(|clause| clause.outcome == outcome).count()
    }

    pub(crate) fn clause(&self, id: &str) -> Option<&ClauseOutcome> {
        self.clauses.iter().find(|clause| clause.id == id)
    }
}

impl ClauseOutcome {
    fn parse(value: &Value) -> Option<Self> {
        let (outcome, detail) = (value["outcome"].as_str()?, value["detail"].as_str());
        let unproven = detail.is_some_and(|detail| detail.starts_with("unproven "));
        Some(Self {
            id: value["id"].as_str()?.to_owned(),
            title: value["title"].as_str()?.to_owned(),
            outcome: if unproven { "unproven" } else { outcome }.to_owned(),
            detail: detail.map(str::to_owned),
            notes: value["notes"]
                .as_array()?
                .iter()
                .filter_map(|note| note.as_str().map(str::to_owned))
                .collect(),
        })
    }
}

/// Clause by backend, for a terminal: a row a clause, the failures' messages, the sums.
pub(crate) fn table(reports: &[Report]) -> String {
    let mut text = String::new();
    let row =
        |text: &mut String, first: &str, cells: &mut dyn Iterator<Item = String>, last: &str| {
            let cells: String = cells.map(|cell| format!(" {cell:<14}")).collect();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", format!("{first:<11}{cells} {last}").trim_end());
        };
    row(&mut text, "clause", &mut reports.iter().map(|report| report.backend.clone()), "");
    for clause in reports.first().map(|report| report.clauses.as_slice()).unwrap_or_default() {
        let outcome = |report: &Report| {
            report.clause(&clause.id).map_or("missing".to_owned(), |found| found.outcome.clone())
        };
        row(&mut text, &clause.id, &mut reports.iter().map(outcome), &clause.title);
    }
    for report in reports {
        for clause in report.clauses.iter().filter(|clause| clause.outcome != "passed") {
            let detail = clause.detail.as_deref().unwrap_or("no reason given");
            let _ =
                writeln!(text, "{} on {}: {}: {detail}", clause.id, report.backend, clause.outcome);
        }
    }
    for outcome in ["passed", "failed", "not-supported", "unproven"] {
        row(
            &mut text,
            outcome,
            &mut reports.iter().map(|report| report.count(outcome).to_string()),
            "",
        );
    }
    text
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
