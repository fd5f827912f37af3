use std::time::Duration;

use super::{ClauseReport, Counts, Outcome, Report};

fn report() -> Report {
    let clause = |id, outcome, notes: &[&str]| ClauseReport {
        id,
        title: "A \"quoted\" sentence.",
        outcome,
        duration: Duration::from_millis(12),
        notes: notes.iter().map(|note| (*note).to_owned()).collect(),
    };
    Report {
        backend: "toy".into(),
        capabilities: None,
        clauses: vec![
            clause("KEY-1", Outcome::Passed, &["store 1"]),
            clause("KEY-2", Outcome::Failed { message: "line\nand \u{1} control".into() }, &[]),
            clause("KEY-3", Outcome::NotSupported { why: "lacks it".into() }, &[]),
        ],
    }
}

#[test]
fn outcomes_are_counted() {
    assert_eq!(report().counts(), Counts { passed: 1, failed: 1, not_supported: 1 });
    assert_eq!(report().failed(), ["KEY-2"]);
    assert!(!report().is_ok());
}

#[test]
fn json_is_escaped() {
    let json = report().to_json();
    assert!(
        json.starts_with(
            r#"{"backend":"toy","passed":1,"failed":1,"not_supported":1,"declared":{"#
        ),
        "{json}"
    );
    assert!(json.contains(r#""title":"A \"quoted\" sentence.""#), "{json}");
    assert!(json.contains(r#""detail":"line\nand \u0001 control""#), "{json}");
    assert!(json.contains(r#""detail":null,"milliseconds":12,"notes":["store 1"]"#), "{json}");
}

#[test]
fn the_table_says_why() {
    let table = report().to_string();
    assert!(table.contains("KEY-3       not-supported    12 ms"), "{table}");
    assert!(table.contains("lacks it"), "{table}");
    assert!(table.ends_with("1 passed, 1 failed, 1 not supported"), "{table}");
}
