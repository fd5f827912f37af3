//! One process of the fleet.

use std::net::SocketAddr;

use certstore_conformance::servers::{Pebble, TestNode};

use crate::server::{Options, serve};

/// Serves when this process is a node.
pub(crate) fn run() {
    let Some(words) = TestNode::words() else { return };
    let options = Options::from_words(words).expect("the words of a node");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(serve(options)).expect("the node serves");
}

pub(crate) struct Node {
    process: TestNode,
    address: SocketAddr,
}

impl Node {
    pub(crate) fn start(storage: &str, pebble: &Pebble, domain: &str) -> Self {
        let root = pebble.api_root().display().to_string();
        let words = [storage, &pebble.directory(), &root, "127.0.0.1:0", domain];
        let process = TestNode::start("node_process", &words).expect("the node starts");
        let address = process.address("listening on ").expect("an address");
        Self { process, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next line that has one of these words.
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        self.process.wait_for(words).expect("the line")
    }
}
