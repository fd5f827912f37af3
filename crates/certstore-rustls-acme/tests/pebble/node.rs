//! One process of the fleet.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use certstore_conformance::servers::Pebble;

use crate::server::{Options, serve};

/// The words of the node's command line, one a line.
const WORDS: &str = "CERTSTORE_TEST_NODE";
const LIMIT: Duration = Duration::from_secs(60);

/// Serves when this process is a node.
pub(crate) fn run() {
    let Ok(words) = std::env::var(WORDS) else { return };
    let options =
        Options::from_words(words.lines().map(str::to_owned)).expect("the words of a node");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(serve(options)).expect("the node serves");
}

/// The running test program, started again as a node; killed when dropped.
pub(crate) struct Node {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
    said: RefCell<Vec<String>>,
}

impl Node {
    pub(crate) fn start(storage: &str, pebble: &Pebble, domain: &str) -> Self {
        let root = pebble.api_root().display().to_string();
        let words = [storage, &pebble.directory(), &root, "127.0.0.1:0", domain].join("\n");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["node_process", "--exact", "--nocapture"])
            .env(WORDS, words)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the node starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut node = Self { child, address: unknown, lines, said: RefCell::default() };
        let line = node.wait_for(&["listening on "]);
        node.address =
            line.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("an address");
        node
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next line that has one of these words.
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("waited in vain for {words:?}; the node said {:#?}", self.said.borrow());
            };
            self.said.borrow_mut().push(line.clone());
            if words.iter().any(|word| line.contains(word)) {
                return line;
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
