//! The outcome of a run, as data.

use std::fmt::{self, Write as _};
use std::time::Duration;

use certstore_core::Capabilities;

/// What a run found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The backend's name, from the factory.
    pub backend: String,
    /// What the backend declares; `None` when it could not be opened.
    pub capabilities: Option<Capabilities>,
    /// One entry a clause, in the order of the table.
    pub clauses: Vec<ClauseReport>,
}

/// What a run found about one clause.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClauseReport {
    /// The clause's number: `STORE-4`.
    pub id: &'static str,
    /// The clause in one sentence.
    pub title: &'static str,
    /// Whether it holds.
    pub outcome: Outcome,
    /// How long the case took.
    pub duration: Duration,
    /// What else there is to know: counted round trips, forms that were left out.
    pub notes: Vec<String>,
}

/// Whether a clause holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The case ran and the clause held.
    Passed,
    /// The clause is broken.
    Failed {
        /// What was seen, and what the clause asks for.
        message: String,
    },
    /// The case did not run.
    NotSupported {
        /// The capability, hook or process that it lacks.
        why: String,
    },
}

impl Outcome {
    /// The outcome in one word: `passed`, `failed` or `not-supported`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::NotSupported { .. } => "not-supported",
        }
    }

    /// The message of a failure, or why the case did not run.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed { message } => Some(message),
            Self::NotSupported { why } => Some(why),
        }
    }
}

/// How many clauses had which outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Clauses that hold.
    pub passed: usize,
    /// Clauses that are broken.
    pub failed: usize,
    /// Clauses whose case did not run.
    pub not_supported: usize,
}

impl Report {
    /// The clauses by outcome.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for clause in &self.clauses {
            match clause.outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed { .. } => counts.failed += 1,
                Outcome::NotSupported { .. } => counts.not_supported += 1,
            }
        }
        counts
    }

    /// Whether no clause failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.counts().failed == 0
    }

    /// The numbers of the clauses that failed.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = |clause: &&ClauseReport| matches!(clause.outcome, Outcome::Failed { .. });
        self.clauses.iter().filter(failed).map(|clause| clause.id).collect()
    }

    /// The report as one JSON object: `backend`, `passed`, `failed`, `not_supported`, `declared` (an object: capability and
    /// its value in words), and `clauses` with `id`, `title`, `outcome`, `detail` (a string or null), `milliseconds` and
    /// `notes`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let counts = self.counts();
        let clauses: Vec<String> = self.clauses.iter().map(ClauseReport::to_json).collect();
        let declared = self.capabilities.as_ref().map(declared).unwrap_or_default();
        let declared: Vec<String> = declared
            .iter()
            .map(|(name, value)| format!("{}:{}", json_string(name), json_string(value)))
            .collect();
        format!(
            "{{\"backend\":{},\"passed\":{},\"failed\":{},\"not_supported\":{},\"declared\":{{{}}},\"clauses\":[{}]}}",
            json_string(&self.backend),
            counts.passed,
            counts.failed,
            counts.not_supported,
            declared.join(","),
            clauses.join(",")
        )
    }
}

impl ClauseReport {
    fn to_json(&self) -> String {
        let notes: Vec<String> = self.notes.iter().map(|note| json_string(note)).collect();
        format!(
            "{{\"id\":{},\"title\":{},\"outcome\":{},\"detail\":{},\"milliseconds\":{},\"notes\":[{}]}}",
            json_string(self.id),
            json_string(self.title),
            json_string(self.outcome.as_str()),
            self.outcome.detail().map_or_else(|| "null".to_owned(), json_string),
            self.duration.as_millis(),
            notes.join(",")
        )
    }
}

/// Every capability with its value, in words.
fn declared(declared: &Capabilities) -> Vec<(&'static str, String)> {
    let Capabilities {
        cas,
        version,
        fence,
        list,
        durability,
        shared,
        batch,
        tree,
        lease,
        watch,
        max_value,
        ..
    } = declared;
    let lease = lease.map_or("ends with its process".to_owned(), |lease| format!("{lease:?}"));
    let max_value = max_value.map_or("no limit".to_owned(), |bytes| bytes.to_string());
    vec![
        ("cas: conditional writes", format!("{cas:?}")),
        ("version: what a version tells", format!("{version:?}")),
        ("fence: fenced writes", format!("{fence:?}")),
        ("list: how soon a list shows a write", format!("{list:?}")),
        ("durability: what `Ok` of a store promises", format!("{durability:?}")),
        ("shared: who can share it", format!("{shared:?}")),
        ("batch: how several writes become one", format!("{batch:?}")),
        ("tree: whether a key can be value and directory", format!("{tree:?}")),
        ("lease: how long a lock outlives its holder (here a short one)", lease),
        ("watch: reports changes", if *watch { "yes" } else { "no" }.to_owned()),
        ("max_value: the largest value in bytes", max_value),
    ]
}

/// A table: a row a clause, then the notes, then a line of counts.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<11} {:<13} {:>8}  {}", "clause", "outcome", "time", self.backend)?;
        for clause in &self.clauses {
            writeln!(f, "{clause}")?;
        }
        let Counts { passed, failed, not_supported } = self.counts();
        write!(f, "{passed} passed, {failed} failed, {not_supported} not supported")
    }
}

/// One row of the table, without line end; a failure or a note adds a line.
impl fmt::Display for ClauseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = format!("{} ms", self.duration.as_millis());
        write!(f, "{:<11} {:<13} {time:>8}  {}", self.id, self.outcome.as_str(), self.title)?;
        if let Some(detail) = self.outcome.detail() {
            write!(f, "\n{:>36}{detail}", "")?;
        }
        for note in &self.notes {
            write!(f, "\n{:>36}note: {note}", "")?;
        }
        Ok(())
    }
}

fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
