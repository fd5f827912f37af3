//! What all locks of one storage share.

use std::fmt;
use std::sync::{Arc, OnceLock};

use certstore_core::lease::{Queue, Turn};
use certstore_core::{Clock, LockerId, Random};

use super::body::rfc3339;
use super::guard_file::Record;
use super::takeover::Observation;
use super::wake::Wake;
use crate::root::Root;
use crate::stripe::Stripes;

/// The turn of one task to work on a name.
pub(super) type NameTurn = Turn<NameState>;

/// What is kept of a name between the turns of this process.
#[derive(Debug, Default)]
pub(super) struct NameState {
    /// The Go lock file that was last seen in the way.
    pub(super) seen: Option<Observation>,
    /// How often in a row this process got the lock while others waited.
    pub(super) streak: u32,
}

/// How often in a row one process may have the lock while others wait.
const MAX_STREAK: u32 = 8;

impl NameState {
    /// Whether other processes are to go first now.
    pub(super) fn owes_a_pause(&mut self) -> bool {
        let owes = self.streak >= MAX_STREAK;
        if owes {
            self.streak = 0;
        }
        owes
    }
}

/// The parts of a [`FsLocker`](super::FsLocker) that its guards use too.
pub(super) struct Shared {
    pub(super) root: Arc<Root>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) wake: Wake,
    pub(super) queue: Queue<NameState>,
    /// Held while a token is raised, so that no fenced write of an older holder is between its check and its end.
    pub(super) tokens: Stripes,
    /// Marks our lock files.
    pub(super) owner: String,
    pub(super) id: OnceLock<LockerId>,
    host: String,
    program: String,
}

impl Shared {
    pub(super) fn new(root: Arc<Root>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let owner = format!("certstore/{:032x}", random.next_u128());
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let program = std::env::current_exe().ok();
        let program = program.as_ref().and_then(|path| path.file_name()?.to_str());
        Self {
            wake: Wake::new(root.clone()),
            tokens: Stripes::of_tokens(root.clone()),
            root,
            clock,
            random,
            queue: Queue::new(),
            owner,
            id: OnceLock::new(),
            host: plain(&host),
            program: plain(program.unwrap_or("unknown")),
        }
    }

    /// The record of this process as the holder with `token`.
    pub(super) fn record(&self, token: u64) -> Record {
        Record {
            token,
            held: true,
            pid: std::process::id(),
            host: self.host.clone(),
            program: self.program.clone(),
            since: rfc3339(self.clock.wall()),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("root", &self.root)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// A name for people, short and of plain characters: the record has a fixed length.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).take(64).collect()
}
