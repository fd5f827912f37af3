//! A process and all that it starts, to be ended together.

use std::io;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// A process group, by its leader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(Pid);

impl Group {
    /// The one that this process was started as the leader of.
    pub(super) fn led_by(leader: &Child) -> io::Result<Self> {
        let id = leader.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        id.map(Self).ok_or_else(|| io::Error::other("it has ended before it began"))
    }

    pub(super) fn leader(self) -> Pid {
        self.0
    }

    pub(super) fn signal(self, signal: Signal) {
        // It fails only when nobody is left in the group.
        let _ = kill_process_group(self.0, signal);
    }
}

/// A command in a group of its own. Dropped before it has ended, the whole group is killed.
#[derive(Debug)]
pub(crate) struct Grouped {
    leader: Child,
    /// `None`: the leader has ended, and its number may be another's.
    group: Option<Group>,
}

impl Grouped {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let leader = command.process_group(0).spawn()?;
        let group = Group::led_by(&leader)?;
        Ok(Self { leader, group: Some(group) })
    }

    /// Waits for the command itself; what it has left behind goes on.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let ended = self.leader.wait().await?;
        self.group = None;
        Ok(ended)
    }

    /// Ends the command and all that it has started.
    pub(crate) fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            group.signal(Signal::KILL);
        }
    }
}

impl Drop for Grouped {
    fn drop(&mut self) {
        self.kill();
    }
}
