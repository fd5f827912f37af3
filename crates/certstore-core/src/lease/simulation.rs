//! The real engine under seeded faults: lost, late and duplicated requests, clocks that drift, processes that pause.
//!
//! A failure prints its seed; `CERTSTORE_SEED=N cargo test -p certstore-core simulation` runs that one alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::test_world::{Faults, Process, Remote, Seeded};
use super::{LeaseConfig, LeaseLocker};
use crate::{FencingToken, LockName, Locker, LockerId, Validity};

const LEASE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
struct Setup {
    clients: u64,
    rounds: u64,
    faults: Faults,
    /// Clock rates lie in `1.0 - drift ..= 1.0 + drift`.
    drift: f64,
    /// Whether the server grants claims by a clock of its own.
    server_clock: bool,
}

const HARSH: Setup = Setup {
    clients: 3,
    rounds: 12,
    faults: Faults {
        lose_request: 4,
        lose_reply: 5,
        late: 3,
        duplicate: 5,
        delay_ms: 300,
        refuse_writes: false,
        forbid_writes: false,
        ignore_condition: false,
    },
    drift: 0.1,
    server_clock: false,
};

/// Who believes to hold the lock, and what was seen.
#[derive(Debug, Default)]
struct Watcher {
    holders: Vec<(u64, FencingToken, Validity)>,
    last: Option<FencingToken>,
    acquired: u64,
    lost: u64,
    faults: Vec<String>,
    trace: Vec<(u64, u64)>,
}

impl Watcher {
    fn enter(&mut self, client: u64, token: FencingToken, validity: Validity) {
        for (other, held, other_validity) in &self.holders {
            if other_validity.standing() == crate::Standing::Held {
                self.faults.push(format!(
                    "client {client} got token {token} while client {other} held {held}"
                ));
            }
        }
        if self.last.is_some_and(|last| token <= last) {
            self.faults.push(format!("token {token} came after {:?}", self.last));
        }
        self.last = Some(token);
        self.acquired += 1;
        self.trace.push((client, token.0));
        self.holders.push((client, token, validity));
    }

    fn leave(&mut self, client: u64) {
        self.holders.retain(|(other, ..)| *other != client);
    }
}

async fn client(
    number: u64,
    locker: LeaseLocker<Remote>,
    process: Process,
    random: Arc<Seeded>,
    watcher: Arc<Mutex<Watcher>>,
    rounds: u64,
) {
    let name: LockName = "job".parse().unwrap();
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_millis(random.below(500))).await;
        process.running().await;
        if random.percent(10) {
            // Gives up somewhere in the middle.
            let patience = Duration::from_millis(random.below(1500));
            drop(tokio::time::timeout(patience, locker.lock(&name)).await);
            continue;
        }
        let Ok(lock) = locker.lock(&name).await else { continue };
        process.running().await;
        if lock.check().is_err() {
            continue;
        }
        watcher.lock().unwrap().enter(number, lock.token(), lock.validity().clone());
        if random.percent(12) {
            process.pause(Duration::from_millis(random.below(15_000)));
        }
        let mut lost = false;
        for _ in 0..random.below(20) {
            tokio::time::sleep(Duration::from_millis(random.below(400))).await;
            process.running().await;
            let held = lock.check().is_ok();
            assert!(!(held && lost), "a lost lock is never valid again");
            lost |= !held;
        }
        {
            let mut seen = watcher.lock().unwrap();
            seen.leave(number);
            seen.lost += u64::from(lost);
        }
        match random.below(3) {
            0 => drop(lock),
            _ => drop(lock.unlock().await),
        }
    }
}

/// A process whose clock runs and stands as chance has it.
fn some_process(random: &Seeded, drift: f64) -> Process {
    let part = random.below(1001) as f64 / 1000.0;
    let rate = 1.0 - drift + 2.0 * drift * part;
    Process::new(rate, Duration::from_secs(random.below(86_400)))
}

fn run(seed: u64, setup: Setup) -> Watcher {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let random = Arc::new(Seeded::new(seed));
        let process = || some_process(&random, setup.drift);
        let mut origin = Remote::new(process(), random.clone(), setup.faults);
        if setup.server_clock {
            origin = origin.with_server(process());
        }
        let watcher = Arc::new(Mutex::new(Watcher::default()));
        let mut clients = Vec::new();
        for number in 0..setup.clients {
            let process = process();
            let locker = LeaseLocker::with_parts(
                origin.seen_by(process.clone()),
                LockerId::new("simulated"),
                "simulated",
                LeaseConfig::new(LEASE).unwrap().with_handovers(random.below(3) as u32),
                Arc::new(process.clone()),
                random.clone(),
            );
            let (random, watcher) = (random.clone(), watcher.clone());
            // Two tasks a process, so that the local queue and the hand-over take part.
            for task in 0..2 {
                let work = client(
                    number * 2 + task,
                    locker.clone(),
                    process.clone(),
                    random.clone(),
                    watcher.clone(),
                    setup.rounds,
                );
                clients.push(tokio::spawn(work));
            }
        }
        for client in clients {
            let done = tokio::time::timeout(Duration::from_secs(36_000), client).await;
            done.unwrap_or_else(|_| panic!("seed {seed}: somebody waits for ever")).unwrap();
        }
        let seen = std::mem::take(&mut *watcher.lock().unwrap());
        comes_free(seed, origin).await;
        seen
    })
}

/// Once the faults stop, the lock comes free for anyone.
async fn comes_free(seed: u64, register: Remote) {
    *register.faults.lock().unwrap() = Faults::default();
    let config = LeaseConfig::new(LEASE).unwrap();
    let locker = LeaseLocker::new(register, LockerId::new("simulated"), "simulated", config);
    let last = tokio::time::timeout(LEASE * 40, locker.lock(&"job".parse().unwrap())).await;
    let last = last.unwrap_or_else(|_| panic!("seed {seed}: the lock never came free"));
    last.unwrap().unlock().await.unwrap();
}

fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("CERTSTORE_SEED") {
        Ok(seed) => vec![seed.parse().expect("CERTSTORE_SEED is a number")],
        Err(_) => (1..=count).collect(),
    }
}

fn is_safe_and_lively(count: u64, setup: Setup) {
    let (mut acquired, mut lost) = (0, 0);
    for seed in seeds(count) {
        let seen = run(seed, setup);
        assert!(seen.faults.is_empty(), "seed {seed}: {:?}", seen.faults);
        acquired += seen.acquired;
        lost += seen.lost;
    }
    println!("{acquired} acquisitions, {lost} of them lost to a pause or an outage");
    assert!(
        acquired > 800 && lost > 20,
        "the simulation must get somewhere: {acquired} acquired, {lost} lost"
    );
}

#[test]
fn one_holder_at_a_time_and_growing_tokens_under_faults() {
    is_safe_and_lively(150, HARSH);
}

#[test]
fn one_holder_at_a_time_by_a_servers_clock() {
    is_safe_and_lively(150, Setup { server_clock: true, ..HARSH });
}

#[test]
fn the_same_seed_runs_the_same() {
    assert_eq!(run(7, HARSH).trace, run(7, HARSH).trace);
    assert_ne!(run(7, HARSH).trace, run(8, HARSH).trace);
}

#[test]
fn a_store_that_ignores_conditions_is_caught() {
    let faults = Faults { ignore_condition: true, ..HARSH.faults };
    for server_clock in [false, true] {
        let setup = Setup { faults, server_clock, ..HARSH };
        assert!((1..=20).any(|seed| !run(seed, setup).faults.is_empty()), "{server_clock}");
    }
}

#[test]
fn clocks_that_differ_more_than_promised_are_caught() {
    let faults = Faults { lose_request: 20, lose_reply: 20, ..HARSH.faults };
    for server_clock in [false, true] {
        let setup = Setup { drift: 0.6, faults, server_clock, ..HARSH };
        assert!((1..=100).any(|seed| !run(seed, setup).faults.is_empty()), "{server_clock}");
    }
}
