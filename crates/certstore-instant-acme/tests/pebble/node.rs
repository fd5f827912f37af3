//! One process of the fleet.

use std::sync::Arc;

use certstore_conformance::servers::{Pebble, TestNode};

use crate::obtain::{self, Options};
use crate::stalling::{Stall, Stalling};

/// Obtains when this process is a node.
pub(crate) fn run() {
    let Some(mut words) = TestNode::words() else { return };
    let [until, word] = [words.pop(), words.pop()].map(|word| word.expect("the words of a node"));
    let options = Options::from_words(words).expect("the words of a node");
    let mut ca = options.ca();
    if !word.is_empty() {
        let stall = Stall { word, until: until.into(), over: Arc::default() };
        ca = ca.with_http(Arc::new(Stalling::new(&options.ca_file, stall)));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // What fails it has said.
    drop(runtime.block_on(obtain::run(&options, ca)));
}

pub(crate) struct Node(TestNode);

impl Node {
    /// A node that obtains a certificate for `name`. `stall`: a part of the URL of a request, or nothing, and the file that
    /// it waits for before the first such request.
    pub(crate) fn start(storage: &str, pebble: &Pebble, name: &str, stall: [&str; 2]) -> Self {
        let (directory, root) = (pebble.directory(), pebble.api_root().display().to_string());
        let words = [storage, &directory, &root, "127.0.0.1:0", name, stall[0], stall[1]];
        Self(TestNode::start("node_process", &words).expect("the node starts"))
    }

    /// Where its certificate came from, and the first line of it.
    pub(crate) fn obtained(&self) -> (String, String) {
        let line = self.wait_for("obtained ");
        let (_, words) = line.split_once("obtained ").expect("it has the word");
        let (origin, leaf) = words.split_once(' ').expect("two words");
        (origin.to_owned(), leaf.to_owned())
    }

    /// The next line that has this word.
    pub(crate) fn wait_for(&self, word: &str) -> String {
        self.0.wait_for(&[word]).expect("the node says it")
    }
}
