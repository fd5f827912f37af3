//! A client's record of what it does, line by line, each written before the client goes on: a client that is killed
//! leaves what it did.

use std::io::Write;

use super::{Call, Outcome};

/// Nanoseconds of a clock that all processes of the host share and that goes on while the machine sleeps.
#[cfg(unix)]
pub(crate) fn now() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// Nanoseconds of a clock of this process.
#[cfg(not(unix))]
pub(crate) fn now() -> u64 {
    use certstore_core::{Clock as _, SystemClock};
    u64::try_from(SystemClock.boottime().as_nanos()).unwrap_or(u64::MAX)
}

/// Writes a client's record. Keys and names have no blanks in them.
pub(crate) struct Recorder {
    out: Box<dyn Write + Send>,
    calls: u64,
}

impl Recorder {
    pub(crate) fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out), calls: 0 }
    }

    fn line(&mut self, line: &str) {
        self.out.write_all(format!("{line}\n").as_bytes()).expect("the record can be written");
    }

    /// Gives the number that [`returned`](Self::returned) takes.
    pub(super) fn called(&mut self, key: &str, call: &Call) -> u64 {
        self.calls += 1;
        let number = self.calls;
        let what = match call {
            Call::Load => "load".to_owned(),
            Call::Store { value } => format!("store {value}"),
            Call::Create { value } => format!("create {value}"),
            Call::Replace { value, expected } => format!("replace {value} {expected}"),
            Call::Fenced { value, name, token } => format!("fenced {value} {name} {token}"),
        };
        self.line(&format!("call {number} {} {key} {what}", now()));
        number
    }

    /// `None`: the call failed, and had no effect.
    pub(super) fn returned(&mut self, call: u64, outcome: Option<Outcome>, version: Option<u64>) {
        let now = now();
        let how = match outcome {
            Some(Outcome::Done) => "done".to_owned(),
            Some(Outcome::Saw(seen)) => format!("saw {}", seen.unwrap_or(0)),
            Some(Outcome::Refused) => "refused".to_owned(),
            Some(Outcome::Unknown) => "unknown".to_owned(),
            None => "failed".to_owned(),
        };
        let version = version.map(|version| format!(" version {version}")).unwrap_or_default();
        self.line(&format!("return {call} {now} {how}{version}"));
    }

    pub(super) fn asked(&mut self, name: &str) {
        self.line(&format!("ask {} {name}", now()));
    }

    /// `at` lies between the guard's return and a check that was good.
    pub(super) fn entered(&mut self, at: u64, name: &str, token: u64) {
        self.line(&format!("enter {at} {name} {token}"));
    }

    /// `at` lies before a check that was good.
    pub(super) fn held(&mut self, at: u64) {
        self.line(&format!("held {at}"));
    }

    /// `at` lies before the call that gave it back.
    pub(super) fn freed(&mut self, at: u64) {
        self.line(&format!("freed {at}"));
    }

    pub(super) fn lost(&mut self) {
        self.line("lost");
    }

    /// The client has nothing in hand.
    pub(super) fn rest(&mut self) {
        self.line("rest");
    }

    pub(super) fn retryable(&mut self) {
        self.line("retry");
    }

    pub(super) fn odd(&mut self, what: &str) {
        self.line(&format!("odd {}", what.replace('\n', " ")));
    }
}
