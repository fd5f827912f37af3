//! Every broken store is caught by the case of its own clause, and by no other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use certstore_conformance::broken::{BROKEN, Broken};
use certstore_conformance::{CLAUSES, MemoryFactory, Options, Worker, run, run_worker};
use futures_util::{StreamExt as _, stream};

/// How many broken stores are tried at a time.
const AT_A_TIME: usize = 6;

#[test]
fn every_clause_has_a_broken_store() {
    let clauses: BTreeSet<&str> = CLAUSES.iter().map(|clause| clause.id).collect();
    let broken: BTreeSet<&str> = BROKEN.iter().map(|broken| broken.clause).collect();
    assert_eq!(clauses.len(), CLAUSES.len(), "a clause stands in the table twice");
    assert_eq!(broken.len(), BROKEN.len(), "a clause is broken twice");
    assert_eq!(broken, clauses);
}

/// `BROKEN=STORE-4` tries one store, `BROKEN=all` all of them, with every case.
fn asked_for() -> Option<String> {
    std::env::var("BROKEN").ok()
}

/// The quick cases and the broken clause's own, to save time, unless more was asked for.
fn cases_for(broken: &Broken) -> Vec<&'static str> {
    let all = asked_for().is_some();
    CLAUSES
        .iter()
        .filter(|clause| all || !clause.slow || clause.id == broken.clause)
        .map(|clause| clause.id)
        .collect()
}

async fn caught(broken: &'static Broken) -> Result<(), String> {
    let worker = Worker::this_program([
        "certstore_conformance_worker",
        "--exact",
        "--nocapture",
        "--test-threads=1",
    ]);
    let options = Options::new().only(cases_for(broken)).jobs(4).worker(worker.expect("a program"));
    let started = Instant::now();
    let report = run(Arc::new(broken.factory()), options).await;
    let failed = report.failed();
    if failed == [broken.clause] {
        return Ok(());
    }
    let failures: Vec<String> = report
        .clauses
        .iter()
        .filter(|clause| failed.contains(&clause.id))
        .map(|clause| format!("  {}: {}", clause.id, clause.outcome.detail().unwrap_or_default()))
        .collect();
    Err(format!(
        "the store that {} ({}) failed {failed:?} after {} ms\n{}",
        broken.what,
        broken.clause,
        started.elapsed().as_millis(),
        failures.join("\n")
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_broken_store_fails_its_clause_and_no_other() {
    let asked = asked_for().filter(|asked| asked != "all");
    let chosen =
        BROKEN.iter().filter(|broken| asked.as_ref().is_none_or(|asked| asked == broken.clause));
    let tasks = stream::iter(chosen).map(|broken| tokio::spawn(caught(broken)));
    let ended: Vec<_> = tasks.buffer_unordered(AT_A_TIME).collect().await;
    let wrong: Vec<String> =
        ended.into_iter().filter_map(|ended| ended.expect("a run ends").err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The other processes of LOCK-2: sound stores, each alone with its data.
#[tokio::test(flavor = "multi_thread")]
async fn certstore_conformance_worker() {
    run_worker(&MemoryFactory::new()).await.expect("the worker serves");
}
