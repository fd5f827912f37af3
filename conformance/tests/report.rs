//! The suite as a function: the report of a whole run.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use certstore_conformance::{CLAUSES, Factory, MemoryFactory, Options, Outcome, run};
use certstore_core::{Error, ErrorKind, Result, Storage};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reports_every_clause_in_order() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watching = seen.clone();
    let options =
        Options::new().jobs(8).progress(move |clause| watching.lock().unwrap().push(clause.id));
    let report = run(Arc::new(MemoryFactory::new()), options).await;
    let ids: Vec<&str> = report.clauses.iter().map(|clause| clause.id).collect();
    assert_eq!(ids, CLAUSES.iter().map(|clause| clause.id).collect::<Vec<_>>());
    assert!(report.is_ok(), "{report}");
    assert_eq!(seen.lock().unwrap().len(), ids.len());
    for clause in &report.clauses {
        if let Outcome::NotSupported { why } = &clause.outcome {
            assert!(!why.is_empty(), "{} says not why", clause.id);
        }
    }
    let cost = report.clauses.iter().find(|clause| clause.id == "COST-1").expect("the clause");
    assert_eq!(cost.notes, ["round trips: store 1, load 1, exists 1, stat 1, lock 1, unlock 1"]);
    assert!(report.to_json().contains("\"id\":\"STORE-4\""));
}

struct Closed;

#[async_trait]
impl Factory for Closed {
    fn name(&self) -> &str {
        "closed"
    }

    async fn open(&self, _: &str) -> Result<Arc<dyn Storage>> {
        Err(Error::new(ErrorKind::Unavailable, "nothing listens there"))
    }

    async fn remove(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_cannot_be_opened_fails_every_clause() {
    let report = run(Arc::new(Closed), Options::new().only(["KEY-1", "STORE-1"])).await;
    assert_eq!(report.failed(), ["KEY-1", "STORE-1"]);
    assert!(report.capabilities.is_none());
    assert!(report.to_string().contains("nothing listens there"), "{report}");
}
