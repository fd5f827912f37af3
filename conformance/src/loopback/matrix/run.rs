//! Running the matrix: workers, each with a server of its own, that share the rows.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::case::{Blow, Row, open};
use super::{Bench, Operation, Strike};

/// Leases are waited for side by side.
const WORKERS: usize = 12;

/// How many cases there were.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// All cases, those included in which the operation needed no request at the fault's position.
    pub cases: u64,
    /// Those in which the fault struck.
    pub struck: u64,
    /// What failed, a line each.
    pub failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.struck += other.struck;
        self.failures.extend(other.failures);
    }

    /// # Panics
    /// When a case failed, with all of them; and when so few were struck that the matrix cannot have been run.
    pub fn assert(&self, least: u64) {
        let Self { cases, struck, failures } = self;
        assert!(
            failures.is_empty(),
            "{} of {cases} cases failed:\n{}",
            failures.len(),
            failures.join("\n")
        );
        assert!(*struck >= least, "only {struck} of {cases} cases were struck");
    }
}

/// Every fault on `operations`, at every request, once and for good.
///
/// # Panics
/// When a runtime or a server cannot be started.
pub fn faults<B: Bench>(start: impl Fn() -> B, operations: &[Operation]) -> Tally {
    let bench = start();
    let known = Strike::ALL.into_iter().filter(|strike| bench.effect(*strike).is_some());
    let known: &[Strike] = &known.collect::<Vec<_>>();
    drop(bench);
    // Those that take longest come first, so that no worker is left with one.
    let rows = [u64::MAX, 1].into_iter().flat_map(|times| {
        operations.iter().flat_map(move |operation| {
            let blow = |strike: &Strike| Blow::Strike(*strike);
            known.iter().map(move |strike| Row { operation: *operation, blow: blow(strike), times })
        })
    });
    run(&start, rows.collect())
}

/// Every call of the API in turn without permission, for every operation.
///
/// # Panics
/// When a runtime or a server cannot be started.
pub fn denials<B: Bench>(start: impl Fn() -> B) -> Tally {
    let calls = start().calls();
    let operations = Operation::WRITES.iter().chain(&Operation::READS).chain(&Operation::LOCKS);
    let rows = operations.flat_map(|operation| {
        let row =
            |op: &B::Op| Row { operation: *operation, blow: Blow::Denied(*op), times: u64::MAX };
        calls.iter().map(row)
    });
    run(&start, rows.collect())
}

fn run<B: Bench>(start: &dyn Fn() -> B, rows: VecDeque<Row<B::Op>>) -> Tally {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    let runtime = runtime.expect("threads can be started");
    let opening = Semaphore::new(1);
    let rows = Mutex::new(rows.into_iter().enumerate().collect());
    runtime.block_on(async {
        let workers = (0..WORKERS).map(|_| work(start(), &rows, &opening));
        let mut tally = Tally::default();
        for worked in join_all(workers).await {
            tally.add(worked);
        }
        tally
    })
}

type Rows<O> = Mutex<VecDeque<(usize, Row<O>)>>;

async fn work<B: Bench>(bench: B, rows: &Rows<B::Op>, opening: &Semaphore) -> Tally {
    let mut tally = Tally::default();
    let shared = match open(&bench, "shared", opening).await {
        Ok(clients) => clients,
        Err(error) => {
            tally.failures.push(format!("the clients do not open: {error:?}"));
            return tally;
        }
    };
    loop {
        let next = rows.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((number, row)) = next else { return tally };
        let done = if row.operation == Operation::Locks {
            // What other rows have left is not listed.
            match open(&bench, &format!("row{number}"), opening).await {
                Ok(own) => row.run(&bench, &own, number).await,
                Err(error) => {
                    tally.failures.push(format!("{row:?}: the clients do not open: {error:?}"));
                    continue;
                }
            }
        } else {
            row.run(&bench, &shared, number).await
        };
        tally.add(done);
    }
}
