//! Locks under fire: processes that share a few locks, some of them killed, some stopped for longer than a lease.
//!
//! [`run`] starts worker processes of the test program, kills and stops them at random, starts the killed again, and
//! then judges what they recorded: no two held a lock at the same time, tokens grew, no older holder wrote after a
//! newer one, every value read is explained ([`history`](mod@crate::history)), and every worker got on once the faults were
//! over. A backend whose data lies in one process has threads for processes: stopped, its whole runtime stands still.
//!
//! [`soak!`](crate::soak!) makes a test of it: some seconds in every run, minutes when `CERTSTORE_SOAK` is set.

mod fleet;
mod options;
mod report;
mod serve;
mod storm;

use std::sync::Arc;
use std::time::{Duration, Instant};

use certstore_core::Shared;

use crate::case::Stop;
use crate::context::unique_namespace;
use crate::history::{History, Plan};
use crate::{Factory, Worker};

pub use options::Options;
pub use report::Report;
pub(crate) use serve::{Ended, serve};

use fleet::Fleet;

/// Runs the storm in a namespace of its own, which is removed, and judges it. Faults of the run itself, such as a
/// backend that does not open, are violations of the report.
///
/// Needs a tokio runtime with time and I/O enabled.
///
/// # Cancel safety
/// Dropped, it ends the workers and leaves the namespace.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use certstore_conformance::{MemoryFactory, soak};
/// # #[tokio::main] async fn main() {
/// let options = soak::Options::new().processes(3).duration(Duration::from_millis(300));
/// let report = soak::run(Arc::new(MemoryFactory::new()), options).await;
/// assert!(report.is_ok(), "{report}");
/// # }
/// ```
pub async fn run(factory: Arc<dyn Factory>, options: Options) -> Report {
    let namespace = unique_namespace();
    let mut report = Report::new(factory.name(), &options);
    if let Err(stop) = endure(&factory, &namespace, &options, &mut report).await {
        report.violations.push(text(stop));
    }
    if let Err(error) = factory.remove(&namespace).await {
        report.violations.push(format!("the namespace cannot be removed: {error}"));
    }
    report
}

async fn endure(
    factory: &Arc<dyn Factory>,
    namespace: &str,
    options: &Options,
    report: &mut Report,
) -> Result<(), Stop> {
    let probe = factory.open(namespace).await?;
    let can = probe.capabilities();
    drop(probe);
    let worker = options.worker.clone().filter(|_| can.shared != Shared::Process);
    report.in_threads = worker.is_none();
    let plan = Plan {
        names: options.names,
        keys: 2,
        hold: Duration::from_millis(6),
        idle: Duration::from_millis(20),
    };
    let started = Instant::now();
    let mut fleet = Fleet::start(factory.clone(), worker, namespace, options, plan).await?;
    // Without a lease a stopped holder holds on: then everybody waits as long as it is stopped.
    let unit = can.lease.unwrap_or(Duration::from_millis(20));
    let (kills, stops) = storm::blow(&mut fleet, options, unit).await?;
    (report.kills, report.stops) = (kills, stops);
    let patience = can.lease.unwrap_or_default() * 5 + Duration::from_secs(20);
    report.violations.extend(fleet.settle(patience).await);
    let history: History = fleet.history()?;
    report.took = started.elapsed();
    report.judge(&history, can.fence);
    Ok(())
}

fn text(stop: Stop) -> String {
    match stop {
        Stop::Failed(message) | Stop::NotSupported(message) => message,
    }
}

/// What [`soak!`](crate::soak!) expands to.
///
/// # Panics
/// When the storm found a violation: that fails the test.
#[doc(hidden)]
#[expect(clippy::print_stdout, reason = "a test tells what it has done")]
pub fn test(factory: impl Factory, module: &str) {
    let runtime = crate::run::test_runtime();
    let options = Options::new().worker(Worker::this_test(module));
    println!("soak of {}, seed {}", factory.name(), options.seed);
    let report = runtime.block_on(run(Arc::new(factory), options));
    runtime.shutdown_timeout(Duration::from_secs(1));
    println!("{report}");
    assert!(report.is_ok(), "{report}");
    assert!(report.summary.grants > 0 && report.kills > 0 && report.stops > 0, "{report}");
}
