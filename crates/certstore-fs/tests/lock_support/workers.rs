//! What the lock tests share: processes of their own that hold locks, and signals to them.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use certstore_core::{Lock, LockName, Locker};
use certstore_fs::{FsConfig, FsStorage};
use rustix::process::{Pid, Signal, kill_process};

/// Tells a test binary that it is to be a worker, and where.
const WORKER: &str = "CERTSTORE_LOCK_WORKER";

/// The lock of all these tests.
pub(crate) const NAME: &str = "issue_cert_example.com";

pub(crate) fn name() -> LockName {
    NAME.parse().expect("a lock name")
}

pub(crate) fn open(root: &Path) -> FsStorage {
    FsStorage::open(&FsConfig::new(root)).expect("a storage")
}

/// A process that does what it is told, line by line. Killed when this is dropped.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// This test binary once more, as a certstore process on `root`.
    pub(crate) fn start(root: &Path) -> Self {
        let binary = std::env::current_exe().expect("the path of this test");
        let mut command = Command::new(binary);
        command.args(["--ignored", "--exact", "worker", "--nocapture"]).env(WORKER, root);
        Self::of(command)
    }

    /// Any program that answers each line of its input with a line that starts with `@`.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a process");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, input, output }
    }

    /// Sends a command without waiting for its answer.
    pub(crate) fn send(&mut self, command: &str) {
        writeln!(self.input, "{command}").expect("the process lives");
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> String {
        loop {
            let line = self.output.next().expect("the process lives").expect("UTF-8");
            if let Some((_, answer)) = line.split_once('@') {
                return answer.to_owned();
            }
        }
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.send(command);
        self.answer()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child of ours");
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The worker's side. Without the variable this is a test binary that somebody runs with `--ignored`: nothing is done.
pub(crate) fn work() {
    let Some(root) = std::env::var_os(WORKER) else { return };
    let storage = open(Path::new(&root));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut held: Option<Lock> = None;
    for line in std::io::stdin().lines() {
        let line = line.expect("UTF-8");
        let answer = runtime.block_on(obey(&storage, &mut held, &line));
        writeln!(std::io::stdout(), "@{answer}").expect("somebody reads");
    }
}

async fn obey(storage: &FsStorage, held: &mut Option<Lock>, line: &str) -> String {
    match (line, held.take()) {
        ("lock", None) => match storage.lock(&name()).await {
            Ok(lock) => held.insert(lock).token().to_string(),
            Err(error) => format!("error {error}"),
        },
        ("try", None) => match storage.try_lock(&name()).await {
            Ok(Some(lock)) => held.insert(lock).token().to_string(),
            Ok(None) => "none".to_owned(),
            Err(error) => format!("error {error}"),
        },
        ("unlock", Some(lock)) => match lock.unlock().await {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.kind().to_string(),
        },
        ("check", Some(lock)) => {
            let answer =
                lock.check().map_or_else(|error| error.kind().to_string(), |()| "ok".to_owned());
            *held = Some(lock);
            answer
        }
        (other, _) => panic!("not now: {other}"),
    }
}
