//! `certstore bench`.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use certstore::bench::{BenchOptions, Figures, SETTLE, bench, hand_over};
use certstore::{Error, LockName, Shared, Storage};
use clap::Args;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::Context;
use crate::exit::Failure;
use crate::output::Output;
use crate::progress::Progress;
use crate::table::columns;

/// The lock that is handed over.
const LOCK: &str = "certstore-bench-handover";

/// Measure each operation and the hand-over of a lock
#[derive(Debug, Args)]
#[command(after_help = "\
Latency is of one operation after the other, throughput of several at once. The hand-over is from the moment that one \
process gives a lock back to the moment that another, which waits for it, holds it. Everything it stores is removed again. \
With --json it is an object with backend, rounds, size, jobs and operations; each of these has operation, rounds, p50_us, \
p90_us, p99_us and per_second.

Example:
  certstore --storage file:///var/lib/certstore bench --rounds 500")]
pub(crate) struct Bench {
    /// How often each operation is measured
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The size of a value in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 4096)]
    size: u32,
    /// How many operations the throughput is measured with at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
}

impl Bench {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut options = BenchOptions::default();
        options.rounds = self.rounds;
        options.size = self.size as usize;
        options.concurrency = self.jobs.into();
        let storage = context.open().await?;
        let progress = Progress::new(context.global.quiet, "measuring", 0);
        let mut figures = bench(&*storage, &options, |operation| progress.say(operation)).await?;
        progress.say("hand-over");
        let rounds = self.rounds.min(100);
        if storage.capabilities().shared == Shared::Process {
            figures.push(hand_over(&*storage, &*storage, rounds).await?);
        } else {
            figures.push(hand_over_to_process(context, &*storage, rounds).await?);
        }
        drop(progress);
        let mut out = context.output();
        if out.is_json() {
            out.json(&json!({
                "backend": storage.backend(),
                "rounds": self.rounds,
                "size": self.size,
                "jobs": self.jobs,
                "operations": figures,
            }))?;
        } else {
            let rows: Vec<_> = figures.iter().map(row).collect();
            columns(["OPERATION", "P50", "P90", "P99", "PER SECOND"], &rows)
                .iter()
                .try_for_each(|line| out.line(line))?;
            print_conditions(&self, storage.backend(), &mut out)?;
        }
        out.finish()
    }
}

fn print_conditions(bench: &Bench, backend: &str, out: &mut Output) -> Result<(), Failure> {
    out.line(format_args!(
        "{backend}, values of {} bytes, {} rounds each; throughput with {} at once",
        bench.size, bench.rounds, bench.jobs
    ))
}

fn row(figures: &Figures) -> [String; 5] {
    let rate = figures.per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    [
        figures.operation.to_owned(),
        time(figures.p50_us),
        time(figures.p90_us),
        time(figures.p99_us),
        rate,
    ]
}

fn time(micros: f64) -> String {
    if micros < 1000.0 { format!("{micros:.1} us") } else { format!("{:.2} ms", micros / 1000.0) }
}

/// From the release in this process to the possession in another one.
async fn hand_over_to_process(
    context: &Context,
    storage: &dyn Storage,
    rounds: u32,
) -> Result<Figures, Failure> {
    let name = LockName::new(LOCK)?;
    let mut peer = Peer::start(context)?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        let held = storage.lock(&name).await?;
        peer.order().await?;
        // Long enough for the other to be in line: what is measured is the hand-over, not its first try.
        tokio::time::sleep(SETTLE).await;
        let given = monotonic()?;
        held.unlock().await?;
        times.push(peer.taken().await?.saturating_sub(given));
    }
    Ok(Figures::of("hand-over to a process", times))
}

/// Another process of this program that waits for the lock when told to.
struct Peer {
    // Killed when dropped; it ends by itself when its input ends.
    child: Child,
    replies: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start(context: &Context) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(peer_failed)?;
        let mut child = Command::new(program)
            .args(context.storage_arguments())
            .arg("bench-peer")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(peer_failed)?;
        let replies = child.stdout.take().map(|out| BufReader::new(out).lines());
        let replies =
            replies.ok_or_else(|| peer_failed(std::io::Error::other("it has no output")))?;
        Ok(Self { child, replies })
    }

    /// Tells it to wait for the lock, and returns once it is about to.
    async fn order(&mut self) -> Result<(), Failure> {
        if let Some(orders) = &mut self.child.stdin {
            orders.write_all(b"lock\n").await.map_err(peer_failed)?;
        }
        self.reply().await.map(drop)
    }

    /// The moment at which it had the lock.
    async fn taken(&mut self) -> Result<Duration, Failure> {
        let reply = self.reply().await?;
        let nanos = reply
            .parse()
            .map_err(|_| peer_failed(std::io::Error::other(format!("it said {reply:?}"))))?;
        Ok(Duration::from_nanos(nanos))
    }

    async fn reply(&mut self) -> Result<String, Failure> {
        let reply = self.replies.next_line().await.map_err(peer_failed)?;
        reply.ok_or_else(|| peer_failed(std::io::Error::other("it has ended")))
    }
}

fn peer_failed(error: std::io::Error) -> Failure {
    Failure::local("measure with another process", error)
}

/// The other side: locks once for each line of its input.
#[derive(Debug, Args)]
pub(crate) struct BenchPeer {}

impl BenchPeer {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let name = LockName::new(LOCK)?;
        let storage = context.open().await?;
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(_order) = orders.next_line().await.map_err(peer_failed)? {
            say("waiting")?;
            let lock = storage.lock(&name).await?;
            let taken = monotonic()?;
            lock.unlock().await?;
            say(&taken.as_nanos().to_string())?;
        }
        Ok(())
    }
}

fn say(reply: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "{reply}").and_then(|()| out.flush()).map_err(Failure::printing)
}

/// A clock that all processes of this machine share.
#[cfg(unix)]
fn monotonic() -> Result<Duration, Error> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Ok(Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    ))
}

#[cfg(not(unix))]
fn monotonic() -> Result<Duration, Error> {
    Err(Error::unsupported("this system has no clock that processes share")
        .with_operation("measure"))
}
