//! A world for tests of the engine: clocks that drift, a process that pauses, requests that get lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::record::micros;
use super::{Claim, Look, Record, Register, State, Stored, Swap, Wake};
use crate::{Clock, Error, ErrorKind, Random, Result, Sleep, Version};

/// A small seeded generator (splitmix64): the same numbers on every run.
#[derive(Debug)]
pub(super) struct Seeded(Mutex<u64>);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub(super) fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn percent(&self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

impl Random for Seeded {
    fn next_u128(&self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

/// One process: its clocks run at their own rate over tokio's (paused) time, and it can stop running for a while.
#[derive(Debug, Clone)]
pub(super) struct Process {
    start: Instant,
    rate: f64,
    skew: Duration,
    paused_until: watch::Sender<Option<Instant>>,
}

impl Process {
    pub(super) fn new(rate: f64, skew: Duration) -> Self {
        Self { start: Instant::now(), rate, skew, paused_until: watch::Sender::new(None) }
    }

    /// From now on nothing of this process runs for `time`, though its clocks do.
    pub(super) fn pause(&self, time: Duration) {
        self.paused_until.send_replace(Some(Instant::now() + time));
    }

    /// Goes on when the process is not paused.
    pub(super) async fn running(&self) {
        loop {
            let until = *self.paused_until.borrow();
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => return,
            }
        }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed().mul_f64(self.rate)
    }
}

impl Clock for Process {
    fn boottime(&self) -> Duration {
        self.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.elapsed()
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.skew + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let process = self.clone();
        Box::pin(async move {
            tokio::time::sleep(duration.div_f64(process.rate)).await;
            process.running().await;
        })
    }
}

/// How often, in percent, which fault happens to a request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    /// The request never arrives.
    pub(super) lose_request: u64,
    /// It takes effect, and the reply never arrives.
    pub(super) lose_reply: u64,
    /// The caller hears of a failure, and it takes effect seconds later.
    pub(super) late: u64,
    /// It arrives twice, and the reply is the second one's.
    pub(super) duplicate: u64,
    /// The longest delay on either way, in milliseconds.
    pub(super) delay_ms: u64,
    /// Every write is refused at once, as by a rate limit.
    pub(super) refuse_writes: bool,
    /// Every write is refused, since the right to it is missing.
    pub(super) forbid_writes: bool,
    /// The store ignores the condition: no store that may be used, but one that must be found out.
    pub(super) ignore_condition: bool,
}

/// A record, and when its lease ends by the server's clock.
type Records = Arc<Mutex<HashMap<String, (Stored, Duration)>>>;

/// A register behind a bad network.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    records: Records,
    /// Decides by this clock, when it has one.
    server: Option<Process>,
    pub(super) process: Process,
    random: Arc<Seeded>,
    pub(super) faults: Arc<Mutex<Faults>>,
    /// `Notify` wakes in the order of arrival; a watch channel does so at random, and a seed would not repeat.
    releases: Arc<Notify>,
    requests: Arc<AtomicU64>,
}

impl Remote {
    pub(super) fn new(process: Process, random: Arc<Seeded>, faults: Faults) -> Self {
        let faults = Arc::new(Mutex::new(faults));
        Self {
            records: Arc::default(),
            server: None,
            process,
            random,
            faults,
            releases: Arc::default(),
            requests: Arc::default(),
        }
    }

    /// With a clock of the server's own, by which it grants claims.
    pub(super) fn with_server(self, server: Process) -> Self {
        Self { server: Some(server), ..self }
    }

    /// The same register as another process sees it.
    pub(super) fn seen_by(&self, process: Process) -> Self {
        Self { process, ..self.clone() }
    }

    pub(super) fn record(&self, name: &str) -> Option<Record> {
        self.records.lock().unwrap().get(name).map(|(stored, _)| stored.record.clone())
    }

    pub(super) fn forget(&self, name: &str) {
        self.records.lock().unwrap().remove(name);
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn apply(&self, name: &str, expected: Option<&Version>, record: &Record) -> Swap {
        let mut records = self.records.lock().unwrap();
        let condition = records.get(name).map(|(stored, _)| &stored.version) == expected;
        if !condition && !self.faults.lock().unwrap().ignore_condition {
            return Swap::Conflict;
        }
        Swap::Done(self.put(&mut records, name, record.clone()).version)
    }

    fn grant(&self, name: &str, record: &Record) -> Claim {
        let mut records = self.records.lock().unwrap();
        let server = self.server.as_ref().unwrap();
        let mut record = record.clone();
        record.token = micros(server.wall());
        if let Some((by, ends)) = records.get(name) {
            let left = ends.saturating_sub(server.monotonic());
            let held = by.record.state == State::Held && !left.is_zero();
            if held && !self.faults.lock().unwrap().ignore_condition {
                return Claim::Held { by: by.clone(), left };
            }
            record.token = record.token.max(by.record.next_token());
        }
        Claim::Granted(self.put(&mut records, name, record))
    }

    fn put(
        &self,
        records: &mut HashMap<String, (Stored, Duration)>,
        name: &str,
        record: Record,
    ) -> Stored {
        let ends = self.server.as_ref().map_or(Duration::ZERO, Clock::monotonic) + record.lease;
        let version = Version::new(format!("{:032x}", record.write));
        let stored = Stored { record, version };
        records.insert(name.into(), (stored.clone(), ends));
        stored
    }

    /// A write on its way, with all that can happen to it. It lands although the caller may go away.
    async fn deliver<T: Send + 'static>(
        &self,
        apply: impl Fn(&Self) -> T + Send + 'static,
    ) -> Result<T> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.process.running().await;
        if self.faults.lock().unwrap().refuse_writes {
            return Err(Error::new(ErrorKind::Unavailable, "slow down"));
        }
        if self.faults.lock().unwrap().forbid_writes {
            return Err(Error::new(ErrorKind::PermissionDenied, "store:Write is missing"));
        }
        let register = self.clone();
        if self.hit(|faults| faults.late) {
            let wait = Duration::from_millis(self.random.below(8000));
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                apply(&register);
            });
            return Err(no_reply());
        }
        let landing = tokio::spawn(async move {
            register.travel().await;
            if register.hit(|faults| faults.lose_request) {
                return None;
            }
            let mut reply = apply(&register);
            if register.hit(|faults| faults.duplicate) {
                reply = apply(&register);
            }
            register.travel().await;
            (!register.hit(|faults| faults.lose_reply)).then_some(reply)
        });
        let reply = landing.await.unwrap();
        self.process.running().await;
        reply.ok_or_else(no_reply)
    }

    async fn travel(&self) {
        let most = self.faults.lock().unwrap().delay_ms;
        if most > 0 {
            tokio::time::sleep(Duration::from_millis(self.random.below(most + 1))).await;
        }
    }

    fn hit(&self, chance: impl Fn(&Faults) -> u64) -> bool {
        let chance = chance(&self.faults.lock().unwrap());
        chance > 0 && self.random.percent(chance)
    }
}

fn no_reply() -> Error {
    Error::new(ErrorKind::Unavailable, "no reply came").with_may_have_applied(true)
}

#[async_trait]
impl Register for Remote {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.process.running().await;
        self.travel().await;
        if self.hit(|faults| faults.lose_request) {
            return Err(no_reply());
        }
        let found = self.records.lock().unwrap().get(name).map(|(stored, _)| stored.clone());
        self.travel().await;
        self.process.running().await;
        Ok(found)
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let (name, expected, record) = (name.to_owned(), expected.cloned(), record.clone());
        self.deliver(move |register| register.apply(&name, expected.as_ref(), &record)).await
    }

    async fn look(&self, name: &str, known: &Stored) -> Result<Look> {
        Ok(match self.read(name).await? {
            Some(stored) if stored.version == known.version => Look::Unchanged,
            changed => Look::Changed(changed),
        })
    }

    fn server_clock(&self) -> bool {
        self.server.is_some()
    }

    async fn claim(&self, name: &str, record: &Record) -> Result<Claim> {
        let (name, record) = (name.to_owned(), record.clone());
        self.deliver(move |register| register.grant(&name, &record)).await
    }

    async fn names(&self) -> Result<Vec<String>> {
        Ok(self.records.lock().unwrap().keys().cloned().collect())
    }

    fn wake(&self, _name: &str) -> Wake {
        let (mut release, process) =
            (Box::pin(self.releases.clone().notified_owned()), self.process.clone());
        release.as_mut().enable();
        Box::pin(async move {
            release.await;
            process.running().await;
        })
    }

    async fn released(&self, _name: &str) {
        self.releases.notify_waiters();
    }
}
