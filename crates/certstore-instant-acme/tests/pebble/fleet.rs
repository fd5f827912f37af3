//! A CA, a storage, and the address of the fleet that shares it.

use std::path::Path;

use certstore_conformance::servers::Pebble;
use tempfile::TempDir;

use crate::NAME;
use crate::front::Front;
use crate::node::Node;

/// A file that does not appear.
const NEVER: &str = "/proc/no file";

pub(crate) struct Fleet {
    pub(crate) pebble: Pebble,
    pub(crate) url: String,
    front: Option<Front>,
}

impl Fleet {
    pub(crate) fn on(url: &str) -> Self {
        let pebble = Pebble::start().expect("Pebble starts");
        let front = Some(Front::start(url, &pebble));
        Self { pebble, url: url.to_owned(), front }
    }

    /// On files in a new folder, which must outlive it.
    pub(crate) fn on_files() -> (Self, TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        (Self::on(&format!("file://{}", folder.path().display())), folder)
    }

    /// From here on nobody listens where the CA looks.
    pub(crate) fn without_front(mut self) -> Self {
        self.front = None;
        self
    }

    pub(crate) fn with_front(mut self) -> Self {
        self.front = Some(Front::start(&self.url, &self.pebble));
        self
    }

    /// A process that obtains a certificate for [`NAME`].
    pub(crate) fn node(&self) -> Node {
        self.node_for(NAME)
    }

    pub(crate) fn node_for(&self, name: &str) -> Node {
        Node::start(&self.url, &self.pebble, name, ["", NEVER])
    }

    /// One that waits before its first request to a URL with `word` in it until there is that file.
    pub(crate) fn stalled(&self, word: &str, until: &Path) -> Node {
        let until = until.display().to_string();
        let node = Node::start(&self.url, &self.pebble, NAME, [word, &until]);
        node.wait_for("stalled before ");
        node
    }

    /// Kills a process that is about to send such a request.
    pub(crate) fn kill_one_before(&self, word: &str) {
        drop(self.stalled(word, Path::new(NEVER)));
    }

    /// How many orders and accounts the CA has made since it was started.
    pub(crate) fn made(&self) -> Made {
        let log = self.pebble.process().log();
        let accounts = log.matches("accounts in memory").count();
        Made { orders: self.pebble.orders(), accounts }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) orders: usize,
    pub(crate) accounts: usize,
}
