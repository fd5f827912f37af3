//! A client that takes orders line by line: from another process over its standard streams, or from another thread.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use certstore_core::{Error, ErrorKind, Key, Lock, LockName, LostReason, Result, Storage};
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::Factory;

/// Names the namespace that a worker opens, and makes a process one.
pub const WORKER_ENV: &str = "CERTSTORE_CONFORMANCE_WORKER";

/// Marks a worker's replies among whatever else its process prints.
pub(crate) const MARK: &str = "certstore-worker>";

/// How to start a process that runs [`run_worker`] with the same factory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, beside the inherited one and [`WORKER_ENV`].
    pub env: Vec<(String, String)>,
}

impl Worker {
    /// The running program with these arguments.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] when the operating system cannot tell the program's path.
    pub fn this_program<A: Into<String>>(args: impl IntoIterator<Item = A>) -> Result<Self> {
        let program = std::env::current_exe().map_err(|error| {
            Error::new(ErrorKind::Other, "cannot find the running program's path")
                .with_source(error)
        })?;
        let args = args.into_iter().map(Into::into).collect();
        Ok(Self { program, args, env: Vec::new() })
    }

    /// The running test program, at the worker test of `module`.
    pub(crate) fn this_test(module: &str) -> Self {
        let test = match module.split_once("::") {
            Some((_, path)) => format!("{path}::certstore_conformance_worker"),
            None => "certstore_conformance_worker".to_owned(),
        };
        Self::this_program([&test, "--exact", "--nocapture", "--test-threads=1"])
            .expect("the operating system tells the test program's path")
    }
}

/// Serves the suite from a process of its own until its standard input ends. Returns at once, doing nothing, unless
/// [`WORKER_ENV`] is set.
///
/// # Errors
/// Of the factory's open.
///
/// # Cancel safety
/// Dropped, it gives back what it holds.
pub async fn run_worker(factory: &dyn Factory) -> Result<()> {
    let Ok(namespace) = std::env::var(WORKER_ENV) else { return Ok(()) };
    let storage = factory.open(&namespace).await?;
    let (orders, inbox) = mpsc::unbounded_channel();
    // A thread: reading the standard input cannot be cancelled, and must not hold up the runtime's end.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if orders.send(line).is_err() {
                break;
            }
        }
    });
    let mut out = std::io::stdout();
    say(&mut out, "ok ready");
    serve(storage, inbox, |reply| say(&mut out, reply), Host::Process).await;
    Ok(())
}

fn say(out: &mut std::io::Stdout, reply: &str) {
    // When the parent has gone, its end of the input closes too, and the worker ends.
    let _ = writeln!(out, "{MARK}{reply}").and_then(|()| out.flush());
}

/// What [`conformance!`](crate::conformance) expands to beside the clauses: the worker, idle in ordinary test runs.
///
/// # Panics
/// When the worker fails: that fails the case that started it.
#[doc(hidden)]
pub fn test_worker<F: Factory>(factory: impl FnOnce() -> F) {
    if std::env::var_os(WORKER_ENV).is_none() {
        return;
    }
    let runtime = crate::run::test_runtime();
    let ended = runtime.block_on(run_worker(&factory()));
    runtime.shutdown_background();
    ended.expect("the worker opens its namespace");
}

/// Where a worker runs.
pub(crate) enum Host {
    /// In a process: pausing and killing are the operating system's work.
    Process,
    /// In a thread with its own runtime.
    Thread(ThreadHost),
}

/// How a thread plays the paused or killed process.
pub(crate) struct ThreadHost {
    /// Where the thread waits, its runtime standing still, until it is resumed.
    pub(crate) gate: std::sync::mpsc::Receiver<()>,
    /// Told of the end of every lock, for watching from another runtime.
    pub(crate) lost: mpsc::UnboundedSender<BoxFuture<'static, LostReason>>,
}

/// Obeys until the orders end. Each order has one reply: `ok [text]`, `busy` or `failed KIND message`.
pub(crate) async fn serve(
    storage: Arc<dyn Storage>,
    mut orders: mpsc::UnboundedReceiver<String>,
    mut reply: impl FnMut(&str),
    host: Host,
) {
    let mut held: Option<Lock> = None;
    while let Some(order) = orders.recv().await {
        let mut words = order.split(' ');
        let verb = words.next().unwrap_or_default();
        match (verb, &host) {
            ("pause", Host::Thread(host)) => {
                reply("ok");
                // Blocks the thread on purpose: nothing of its runtime runs on.
                let _ = host.gate.recv();
                continue;
            }
            ("die", Host::Thread(_)) => {
                // A killed process gives nothing back.
                std::mem::forget(held.take());
                std::mem::forget(storage);
                reply("ok");
                return;
            }
            #[cfg(unix)]
            ("soak", _) => {
                let ended =
                    crate::soak::serve(&storage, &order, &mut orders, &mut reply, &host).await;
                if ended == crate::soak::Ended::Died {
                    std::mem::forget(storage);
                    return;
                }
                continue;
            }
            ("bundles", Host::Process) => {
                bundles(&storage, words.next(), &mut reply).await;
                continue;
            }
            _ => {}
        }
        let done = obey(&storage, &mut held, verb, words.collect()).await;
        if let (Host::Thread(host), Some(lock)) = (&host, &held) {
            // Nobody may be watching.
            let _ = host.lost.send(Box::pin(lock.lost()));
        }
        match done {
            Ok(Some(text)) => reply(format!("ok {text}").trim_end()),
            Ok(None) => reply("busy"),
            Err(error) => reply(&failure(&error)),
        }
    }
}

fn failure(error: &Error) -> String {
    format!("failed {} {error}", error.kind().as_str().replace(' ', "-"))
}

async fn obey(
    storage: &Arc<dyn Storage>,
    held: &mut Option<Lock>,
    verb: &str,
    words: Vec<&str>,
) -> Result<Option<String>> {
    let word = |index: usize| words.get(index).copied().unwrap_or_default();
    let done = |()| Some(String::new());
    match verb {
        "lock" => {
            let lock = storage.lock(&LockName::new(word(0))?).await?;
            Ok(Some(held.insert(lock).token().to_string()))
        }
        "check" => guard(held.as_ref())?.check().map(done),
        "unlock" => match held.take() {
            Some(lock) => lock.unlock().await.map(done),
            None => Err(no_lock()),
        },
        "fenced" => {
            let key = Key::new(word(0))?;
            let stored =
                storage.store_fenced(&key, word(1).as_bytes(), guard(held.as_ref())?).await;
            stored.map(|_| Some(String::new()))
        }
        _ => Err(Error::new(ErrorKind::Unsupported, format!("a worker knows no order {verb:?}"))),
    }
}

fn guard(held: Option<&Lock>) -> Result<&Lock> {
    held.ok_or_else(no_lock)
}

fn no_lock() -> Error {
    Error::new(ErrorKind::Other, "the worker holds no lock")
}

/// Stores bundle after bundle until the process is killed; replies once, after the first.
async fn bundles(storage: &Arc<dyn Storage>, dir: Option<&str>, reply: &mut impl FnMut(&str)) {
    for generation in 1_u64.. {
        match crate::cases::batch::store_generation(
            storage,
            dir.unwrap_or("bundle"),
            generation,
            None,
        )
        .await
        {
            Ok(()) if generation == 1 => reply("ok"),
            Ok(()) => {}
            Err(error) => return reply(&failure(&error)),
        }
    }
}
