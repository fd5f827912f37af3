//! A disk that loses power: what is not synced may be there or not, in any combination.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use tempfile::TempDir;

use super::trace::Op;

const ATTRIBUTE: &str = "user.certstore";

/// More unsynced names than this at one time are too many to try every combination.
const MOST_PENDING: usize = 12;

/// A file: its bytes, and the attribute if there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) attribute: Option<Vec<u8>>,
}

/// What is found after the power is back: directories as `None`.
pub(crate) type State = BTreeMap<String, Option<Content>>;

/// A disk with what is in memory and what is safe.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
    /// The names as the running system sees them, by path.
    seen: BTreeMap<String, usize>,
    /// The names that are safe.
    safe: BTreeMap<String, usize>,
    /// What was done to names since the last sync of their directories, in order.
    pending: Vec<Pending>,
    pub(crate) returned: bool,
}

#[derive(Debug, Clone)]
enum Node {
    Dir,
    File { now: Content, safe: Content },
}

#[derive(Debug, Clone)]
enum Pending {
    Link(String, usize),
    Rename(String, String, usize),
    Unlink(String),
}

/// What becomes of bytes that were written and not synced.
#[derive(Debug, Clone, Copy)]
enum Unsynced {
    Kept,
    Lost,
    /// The first half is there.
    Torn,
}

impl Disk {
    /// What lies in `root`, all of it safe; `locks` is left out.
    pub(crate) fn of(root: &Path) -> Self {
        let mut disk = Self::default();
        disk.read(root, "");
        disk.safe = disk.seen.clone();
        disk
    }

    /// Does what the traced program did.
    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(path) if self.seen.contains_key(path) => {}
            Op::Create(path) => {
                self.link(path, Node::File { now: Content::default(), safe: Content::default() });
            }
            Op::MakeDir(path) => self.link(path, Node::Dir),
            Op::Truncate(path) => self.content(path).bytes.clear(),
            Op::Write(path, bytes) => self.content(path).bytes.extend_from_slice(bytes),
            Op::Attribute(path, value) => self.content(path).attribute = Some(value.clone()),
            Op::Sync(path) => self.sync(path),
            Op::Rename(from, to) => {
                let node = self.seen.remove(from).expect("a file to rename");
                self.seen.insert(to.clone(), node);
                self.pending.push(Pending::Rename(from.clone(), to.clone(), node));
            }
            Op::Remove(path) => {
                self.seen.remove(path).expect("a file to remove");
                self.pending.push(Pending::Unlink(path.clone()));
            }
            Op::Returned => self.returned = true,
        }
    }

    /// All that can be found if the power fails now.
    pub(crate) fn after_power_cut(&self) -> BTreeSet<State> {
        assert!(self.pending.len() <= MOST_PENDING, "{} unsynced names", self.pending.len());
        let mut states = BTreeSet::new();
        for kept in 0..1_usize << self.pending.len() {
            let mut names = self.safe.clone();
            for (index, pending) in self.pending.iter().enumerate() {
                if kept >> index & 1 == 1 {
                    pending.apply(&mut names);
                }
            }
            for unsynced in [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn] {
                states.insert(self.state(&names, unsynced));
            }
        }
        states
    }

    fn read(&mut self, root: &Path, below: &str) {
        for entry in fs::read_dir(root.join(below)).expect("a directory") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if path == "locks" {
                continue;
            }
            let file = root.join(&path);
            let node = if file.is_dir() {
                Node::Dir
            } else {
                let content = Content {
                    bytes: fs::read(&file).expect("a file"),
                    attribute: attribute(&file),
                };
                Node::File { now: content.clone(), safe: content }
            };
            let is_dir = matches!(node, Node::Dir);
            self.seen.insert(path.clone(), self.nodes.len());
            self.nodes.push(node);
            if is_dir {
                self.read(root, &path);
            }
        }
    }

    fn link(&mut self, path: &str, node: Node) {
        let index = self.nodes.len();
        self.nodes.push(node);
        self.seen.insert(path.to_owned(), index);
        self.pending.push(Pending::Link(path.to_owned(), index));
    }

    fn content(&mut self, path: &str) -> &mut Content {
        match &mut self.nodes[self.seen[path]] {
            Node::File { now, .. } => now,
            Node::Dir => panic!("{path} is a directory"),
        }
    }

    /// A file's bytes, or a directory's names: nothing else becomes safe by it.
    fn sync(&mut self, path: &str) {
        if let Some(Node::File { now, safe }) =
            self.seen.get(path).map(|index| &mut self.nodes[*index])
        {
            *safe = now.clone();
            return;
        }
        let (synced, left) = self.pending.drain(..).partition(|pending| pending.dir() == path);
        self.pending = left;
        let synced: Vec<Pending> = synced;
        synced.iter().for_each(|pending| pending.apply(&mut self.safe));
    }

    fn state(&self, names: &BTreeMap<String, usize>, unsynced: Unsynced) -> State {
        let mut state = State::new();
        // In order of the paths: a directory before what lies in it, and what has no directory is not to be reached.
        for (path, index) in names {
            let reachable =
                path.rsplit_once('/').is_none_or(|(dir, _)| state.get(dir) == Some(&None));
            if reachable {
                let content = match &self.nodes[*index] {
                    Node::Dir => None,
                    Node::File { now, safe } => Some(unsynced.of(now, safe)),
                };
                state.insert(path.clone(), content);
            }
        }
        state
    }
}

impl Pending {
    fn dir(&self) -> &str {
        let (Self::Link(path, _) | Self::Rename(_, path, _) | Self::Unlink(path)) = self;
        path.rsplit_once('/').map_or("", |(dir, _)| dir)
    }

    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Link(path, index) => {
                names.insert(path.clone(), *index);
            }
            Self::Rename(from, to, index) => {
                names.remove(from);
                names.insert(to.clone(), *index);
            }
            Self::Unlink(path) => {
                names.remove(path);
            }
        }
    }
}

impl Unsynced {
    fn of(self, now: &Content, safe: &Content) -> Content {
        match self {
            Self::Kept => now.clone(),
            Self::Lost => safe.clone(),
            Self::Torn if now == safe => safe.clone(),
            Self::Torn => {
                Content { bytes: now.bytes[..now.bytes.len() / 2].to_vec(), ..now.clone() }
            }
        }
    }
}

/// Puts a state into a directory.
pub(crate) fn restore(state: &State) -> TempDir {
    let root = tempfile::tempdir().expect("a temporary directory");
    for (path, content) in state {
        let path = root.path().join(path);
        let Some(content) = content else {
            fs::create_dir(path).expect("a new directory");
            continue;
        };
        fs::write(&path, &content.bytes).expect("a new file");
        if let Some(attribute) = &content.attribute {
            let file = fs::File::options().write(true).open(path).expect("the file");
            fsetxattr(&file, ATTRIBUTE, attribute, XattrFlags::empty())
                .expect("extended attributes");
            file.set_modified(noted_time(attribute)).expect("the time");
        }
    }
    root
}

fn attribute(path: &Path) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(128);
    let file = fs::File::open(path).expect("a file");
    fgetxattr(file, ATTRIBUTE, rustix::buffer::spare_capacity(&mut value)).ok()?;
    Some(value)
}

/// The time of modification, which the trace does not show; the attribute notes it.
fn noted_time(attribute: &[u8]) -> SystemTime {
    let nanos = u64::from_le_bytes(attribute[25..33].try_into().expect("eight bytes"));
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}
