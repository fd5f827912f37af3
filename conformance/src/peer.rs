//! The suite's side of a worker: orders, replies, pause, resume, kill.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::LostReason;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::Factory;
use crate::case::{Case, Stop, ensure};
use crate::worker::{Host, MARK, ThreadHost, WORKER_ENV, Worker, serve};

/// How long a worker may take to answer an order that does not wait for a lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a worker answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Ok(String),
    Busy,
    /// The error's kind in lower case with dashes, and its message.
    Failed {
        kind: String,
        message: String,
    },
}

/// A client outside the suite's runtime. Dropped, it ends.
pub(crate) struct Peer {
    link: Link,
}

enum Link {
    Process {
        child: Box<Child>,
        input: ChildStdin,
        output: Lines<BufReader<ChildStdout>>,
    },
    Thread {
        orders: mpsc::UnboundedSender<String>,
        replies: mpsc::UnboundedReceiver<String>,
        gate: std::sync::mpsc::Sender<()>,
        lost: mpsc::UnboundedReceiver<BoxFuture<'static, LostReason>>,
    },
}

impl Peer {
    pub(crate) async fn process(
        worker: &Worker,
        env: &[(String, String)],
        namespace: &str,
    ) -> Case<Self> {
        let spawned = Command::new(&worker.program)
            .args(&worker.args)
            .envs(worker.env.iter().chain(env).map(|(name, value)| (name, value)))
            .env(WORKER_ENV, namespace)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned
            .map_err(|error| Stop::failed(format!("cannot start a worker process: {error}")))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Stop::failed("a worker process has no standard streams"));
        };
        let output = BufReader::new(output).lines();
        let mut peer = Self { link: Link::Process { child: Box::new(child), input, output } };
        peer.reply(PATIENCE).await?.ok("start of a worker")?;
        Ok(peer)
    }

    /// The thread opens a client of its own, so that all its background work stands still with it.
    pub(crate) async fn thread(factory: Arc<dyn Factory>, namespace: String) -> Case<Self> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (outbox, replies) = mpsc::unbounded_channel();
        let (gate, wait) = std::sync::mpsc::channel();
        let (watch, lost) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a tokio runtime starts");
            runtime.block_on(async {
                let say = |reply: &str| drop(outbox.send(reply.to_owned()));
                match factory.open(&namespace).await {
                    Ok(storage) => {
                        say("ok ready");
                        serve(
                            storage,
                            inbox,
                            say,
                            Host::Thread(ThreadHost { gate: wait, lost: watch }),
                        )
                        .await;
                    }
                    Err(error) => say(&format!("failed open {error}")),
                }
            });
            runtime.shutdown_background();
        });
        let mut peer = Self { link: Link::Thread { orders, replies, gate, lost } };
        peer.reply(PATIENCE).await?.ok("start of a worker thread")?;
        Ok(peer)
    }

    pub(crate) async fn send(&mut self, order: &str) -> Case {
        let sent = match &mut self.link {
            Link::Process { input, .. } => {
                input.write_all(format!("{order}\n").as_bytes()).await.is_ok()
            }
            Link::Thread { orders, .. } => orders.send(order.to_owned()).is_ok(),
        };
        ensure!(sent, "a worker ended before the order \"{order}\"");
        Ok(())
    }

    pub(crate) async fn reply(&mut self, limit: Duration) -> Case<Reply> {
        let line = tokio::time::timeout(limit, self.line()).await;
        let line = line.map_err(|_| {
            Stop::failed(format!("a worker gave no answer within {} ms", limit.as_millis()))
        })?;
        line.map(|line| Reply::parse(&line))
            .ok_or_else(|| Stop::failed("a worker ended without an answer"))
    }

    /// Sends an order and waits for its reply.
    pub(crate) async fn ask(&mut self, order: &str) -> Case<Reply> {
        self.send(order).await?;
        self.reply(PATIENCE).await
    }

    /// Locks `name`, waiting as long as it takes up to `limit`; the token.
    pub(crate) async fn lock(&mut self, name: &str, limit: Duration) -> Case<u64> {
        self.send(&format!("lock {name}")).await?;
        let token = self.reply(limit).await?.ok(&format!("a worker's lock of {name}"))?;
        token.parse().map_err(|_| Stop::failed(format!("a worker gave the token {token:?}")))
    }

    async fn line(&mut self) -> Option<String> {
        match &mut self.link {
            Link::Thread { replies, .. } => replies.recv().await,
            Link::Process { output, .. } => loop {
                // Others print too: the test harness writes the test's name on the same line.
                let line = output.next_line().await.ok()??;
                if let Some((_, reply)) = line.split_once(MARK) {
                    return Some(reply.to_owned());
                }
            },
        }
    }

    /// Completes when the lock that the worker took last is lost; needs nothing of the worker's runtime.
    pub(crate) fn lost(&mut self) -> Case<BoxFuture<'static, LostReason>> {
        let mut latest = None;
        if let Link::Thread { lost, .. } = &mut self.link {
            while let Ok(future) = lost.try_recv() {
                latest = Some(future);
            }
        }
        latest.ok_or_else(|| Stop::failed("the worker holds no lock"))
    }

    /// Stops it where it stands.
    pub(crate) async fn pause(&mut self) -> Case {
        match &self.link {
            Link::Process { child, .. } => signal(child, "STOP"),
            Link::Thread { .. } => self.ask("pause").await?.ok("pause").map(drop),
        }
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) -> Case {
        match &self.link {
            Link::Process { child, .. } => signal(child, "CONT"),
            Link::Thread { gate, .. } => {
                gate.send(()).map_err(|_| Stop::failed("a worker thread ended"))
            }
        }
    }

    /// Ends it without a chance to clean up.
    pub(crate) async fn kill(mut self) -> Case {
        match &mut self.link {
            Link::Process { child, .. } => {
                let killed = child.kill().await;
                killed.map_err(|error| Stop::failed(format!("cannot kill a worker: {error}")))
            }
            Link::Thread { .. } => self.ask("die").await?.ok("end of a worker thread").map(drop),
        }
    }
}

#[cfg(unix)]
fn signal(child: &Child, which: &str) -> Case {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = if which == "STOP" { Signal::STOP } else { Signal::CONT };
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Stop::failed("a worker process has ended"))?;
    kill_process(pid, signal)
        .map_err(|error| Stop::failed(format!("cannot signal a worker: {error}")))
}

#[cfg(not(unix))]
fn signal(_: &Child, _: &str) -> Case {
    Err(Stop::not_supported("processes cannot be paused on this platform"))
}

impl Reply {
    fn parse(line: &str) -> Self {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "ok" => Self::Ok(rest.to_owned()),
            "busy" => Self::Busy,
            _ => {
                let (kind, message) = rest.split_once(' ').unwrap_or((rest, ""));
                Self::Failed { kind: kind.to_owned(), message: message.to_owned() }
            }
        }
    }

    /// The text of an `ok`, else a failure that names what was asked.
    pub(crate) fn ok(self, what: &str) -> Case<String> {
        match self {
            Self::Ok(text) => Ok(text),
            other => Err(Stop::failed(format!("{what}: {other:?}"))),
        }
    }

    /// Fails unless it is a failure of one of these kinds.
    pub(crate) fn refused(&self, what: &str, kinds: &[&str]) -> Case {
        let refused = matches!(self, Self::Failed { kind, .. } if kinds.contains(&kind.as_str()));
        ensure!(refused, "{what}: expected {}, got {self:?}", kinds.join(" or "));
        Ok(())
    }
}
