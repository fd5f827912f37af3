//! What is wrong between a config and the storage that it means, and what to do about it.

mod advice;
mod local;
mod remote;
mod stages;

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, Result, SystemClock};
use serde::Serialize;

use crate::Config;

/// How [`doctor`] looks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DoctorOptions {
    /// From which difference on a clock is wrong; 5 seconds by default. From 60 times as much on, services refuse it.
    pub clock_tolerance: Duration,
    /// The clock that is compared with the storage's.
    pub clock: Arc<dyn Clock>,
}

impl Default for DoctorOptions {
    fn default() -> Self {
        Self { clock_tolerance: Duration::from_secs(5), clock: Arc::new(SystemClock) }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// All is well.
    Ok,
    /// It works, but is not as it should be.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be looked at, as something before it failed, or there is nothing to look at.
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What was looked at.
    pub check: String,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found, in one line.
    pub detail: String,
    /// What to do; `None` where there is nothing to do.
    pub advice: Option<String>,
}

/// What [`doctor`] found, in the order in which it looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DoctorReport {
    /// The checks.
    pub checks: Vec<Check>,
}

impl DoctorReport {
    /// Whether nothing failed. Warnings are no failures.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.count(CheckStatus::Fail) == 0
    }

    /// How many checks ended so.
    #[must_use]
    pub fn count(&self, status: CheckStatus) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }
}

/// Looks at a config, and at the storage that it means: whether it can be read, what it names, whether the server answers,
/// takes the credentials and has the bucket or database, whether each operation is permitted, locks work, clocks agree, and
/// what others have left there. With `read_only` nothing is written, so permissions, locks and clocks are not tried.
///
/// What it writes lies below a directory of its own, `certstore-probe-*`, that it removes; the lock that it takes is called
/// `certstore-probe`. Give it the outcome of reading the config: an error is the first check.
///
/// # Cancel safety
/// Dropped, it may leave its directory `certstore-probe-*` behind, which can be deleted.
///
/// ```
/// use certstore::Config;
/// use certstore::doctor::{DoctorOptions, doctor};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let report = doctor(Config::from_url("memory:"), &DoctorOptions::default()).await;
/// assert!(report.is_ok(), "{report:?}");
/// let report = doctor(Config::from_url("memori:"), &DoctorOptions::default()).await;
/// assert!(!report.is_ok() && report.checks[0].detail.contains("memori"), "{report:?}");
/// # }
/// ```
pub async fn doctor(config: Result<Config>, options: &DoctorOptions) -> DoctorReport {
    let mut checks = Checks::default();
    match config {
        Ok(config) => {
            local::look_at(&config, &mut checks);
            remote::look_at(&config, options, &mut checks).await;
        }
        Err(error) => {
            checks.failed("config", &error);
            checks.skip(
                ["storage", "permissions", "locking", "clock", "contents", "locks"],
                "there is no config",
            );
        }
    }
    DoctorReport { checks: checks.0 }
}

/// The checks so far.
#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn push(
        &mut self,
        check: impl Into<String>,
        status: CheckStatus,
        detail: impl Into<String>,
        advice: Option<String>,
    ) {
        self.0.push(Check { check: check.into(), status, detail: detail.into(), advice });
    }

    fn ok(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.push(check, CheckStatus::Ok, detail, None);
    }

    fn warn(
        &mut self,
        check: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(check, CheckStatus::Warn, detail, Some(advice.into()));
    }

    fn fail(
        &mut self,
        check: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(check, CheckStatus::Fail, detail, Some(advice.into()));
    }

    /// A check that ended with an error; the advice goes by its kind.
    fn failed(&mut self, check: impl Into<String>, error: &certstore_core::Error) {
        let advice = advice::for_error(error).to_owned();
        self.push(check, CheckStatus::Fail, certstore_core::one_line(error), Some(advice));
    }

    fn skip<const N: usize>(&mut self, checks: [&str; N], why: &str) {
        for check in checks {
            self.push(check, CheckStatus::Skipped, why, None);
        }
    }
}

#[cfg(test)]
#[path = "doctor/doctor_tests.rs"]
mod tests;
