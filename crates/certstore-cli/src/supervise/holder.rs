//! The side of the process that holds the lock.

use std::ffi::OsString;
use std::io::{self, IsTerminal, PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use certstore::Lock;
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::process::{Pid, Signal, getpgrp};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use tokio::process::Child;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

use super::Ended;
use super::deadline::Deadline;
use super::group::Group;
use crate::exit::Failure;

/// How often the deadline is looked at; leases are far longer.
const TICK: Duration = Duration::from_millis(250);

/// A command under its supervisor.
#[derive(Debug)]
pub(crate) struct Supervised {
    supervisor: Child,
    group: Group,
    /// Tells the supervisor the deadline; the system closes it when this process dies.
    link: PipeWriter,
    told: Option<Deadline>,
    ending: Ending,
}

impl Supervised {
    /// Starts `command` with these variables added to its environment.
    pub(crate) fn start(
        command: &[OsString],
        environment: &[(&str, String)],
    ) -> Result<Self, Failure> {
        Self::try_start(command, environment)
            .map_err(|error| Failure::local("start the command's supervisor", error))
    }

    fn try_start(command: &[OsString], environment: &[(&str, String)]) -> io::Result<Self> {
        // Before the command runs, so that no signal ends us and leaves it alone.
        let ending = Ending::new()?;
        let (read, link) = io::pipe()?;
        // The supervisor inherits this end by its number; the other one closes on exec.
        fcntl_setfd(&read, FdFlags::empty())?;
        ioctl_fionbio(&link, true)?;
        let terminal = own_terminal();
        let mut supervisor = std::process::Command::new(this_program()?);
        supervisor.arg0("certstore").arg("supervise").arg(format!("--link={}", read.as_raw_fd()));
        if let Some(group) = terminal {
            supervisor.arg(format!("--terminal={}", group.as_raw_nonzero()));
        }
        supervisor
            .arg("--")
            .args(command)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .process_group(0);
        let supervisor = tokio::process::Command::from(supervisor).spawn()?;
        let group = Group::led_by(&supervisor)?;
        if terminal.is_some() {
            // The command reads the terminal as if it had been started without us.
            tcsetpgrp(io::stdin(), group.leader())?;
            group.signal(Signal::CONT);
        }
        Ok(Self { supervisor, group, link, told: None, ending })
    }

    /// Waits for the command, and ends it when less than `margin` is left of the lock.
    pub(crate) async fn run_under(
        mut self,
        guard: &Lock,
        margin: Duration,
    ) -> Result<Ended, Failure> {
        let mut ticks = tokio::time::interval(TICK);
        let mut nearly_lost = std::pin::pin!(nearly_lost(guard, margin));
        loop {
            tokio::select! {
                biased;
                ended = self.supervisor.wait() => return ended.map(|ended| self.ended(ended)).map_err(waiting),
                signal = self.ending.next() => self.group.signal(signal),
                reason = &mut nearly_lost => return self.end(guard, reason).await.map_err(waiting),
                _ = ticks.tick() => self.tell(guard),
            }
        }
    }

    /// Tells the supervisor of a deadline that has moved.
    fn tell(&mut self, guard: &Lock) {
        let Some(deadline) = guard.remaining().map(Deadline::after) else { return };
        if self.told.is_some_and(|told| told.is_about(deadline)) || guard.check().is_err() {
            return;
        }
        // A supervisor that does not read has ended, or is stopped and keeps the old deadline: neither is our loss.
        if self.link.write(&deadline.to_bytes()).is_ok() {
            self.told = Some(deadline);
        }
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        if std::os::unix::process::ExitStatusExt::signal(&status).is_some() {
            // The supervisor was killed; what it watched must not stay.
            self.group.signal(Signal::KILL);
            if self.told.is_some_and(|told| told.left().is_zero()) {
                return Ended::Lost("its deadline came while certstore was stopped".to_owned());
            }
        }
        Ended::Itself(code_of(status))
    }

    /// SIGTERM now, SIGKILL once the lock is not held any more.
    async fn end(&mut self, guard: &Lock, reason: String) -> io::Result<Ended> {
        self.group.signal(Signal::TERM);
        tokio::select! {
            biased;
            ended = self.supervisor.wait() => {
                ended?;
            }
            () = gone(guard) => {
                self.group.signal(Signal::KILL);
                self.supervisor.wait().await?;
            }
        }
        // What the command has started in its group and not waited for.
        self.group.signal(Signal::KILL);
        Ok(Ended::Lost(reason))
    }
}

/// Completes when it is time to end what runs under the lock, with the reason.
async fn nearly_lost(guard: &Lock, margin: Duration) -> String {
    loop {
        tokio::select! {
            biased;
            reason = guard.lost() => return reason.to_string(),
            () = guard.expiring(margin) => {}
        }
        if let Some(reason) = still_doubtful(guard, margin).await {
            return reason;
        }
    }
}

/// A proof that is late may still come: a process that was paused proves its lock as soon as it wakes.
async fn still_doubtful(guard: &Lock, margin: Duration) -> Option<String> {
    const CHANCES: u32 = 10;
    for _ in 0..CHANCES {
        match guard.check() {
            Err(error) if error.kind() == certstore::ErrorKind::LockLost => {
                return Some(error.message().to_owned());
            }
            Ok(()) if guard.remaining().is_none_or(|left| left > margin) => return None,
            Ok(()) => return Some("it could not be renewed in time".to_owned()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Some("it could not be proven in time".to_owned())
}

/// Completes when the lock is not held any more, as far as its holder knows.
async fn gone(guard: &Lock) {
    tokio::select! {
        _ = guard.lost() => {}
        () = guard.expiring(Duration::ZERO) => {}
    }
}

/// The signals that end a process, passed on instead.
#[derive(Debug)]
struct Ending {
    term: Signals,
    interrupt: Signals,
    hangup: Signals,
    quit: Signals,
}

impl Ending {
    fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.term.recv() => Signal::TERM,
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.hangup.recv() => Signal::HUP,
            _ = self.quit.recv() => Signal::QUIT,
        }
    }
}

/// Our process group, where the terminal on the standard input is ours to give.
fn own_terminal() -> Option<Pid> {
    let input = io::stdin();
    let own = getpgrp();
    (input.is_terminal() && tcgetpgrp(&input).ok() == Some(own)).then_some(own)
}

/// On Linux by a name that stays right when the file is replaced while we run.
fn this_program() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

fn waiting(error: io::Error) -> Failure {
    Failure::local("wait for the command", error)
}

/// As a shell tells it: its own code, or 128 and the number of the signal.
pub(super) fn code_of(status: ExitStatus) -> u8 {
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
