//! Locks in memory under fire, in threads for processes, and what several clients see.

use std::sync::Arc;
use std::time::Duration;

use certstore_conformance::{MemoryFactory, broken::BROKEN, soak};

certstore_conformance::soak!(MemoryFactory::new());
certstore_conformance::history!(MemoryFactory::new());

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_lets_two_in_is_found() {
    let crowded = BROKEN.iter().find(|broken| broken.clause == "LOCK-1").expect("it is there");
    let options = soak::Options::new().processes(16).names(1).duration(Duration::from_secs(1));
    let report = soak::run(Arc::new(crowded.factory()), options).await;
    assert!(report.violations.iter().any(|found| found.contains("lock soak-0")), "{report}");
}
