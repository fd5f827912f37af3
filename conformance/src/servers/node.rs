//! The test program itself as further processes.

use std::cell::RefCell;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The words that a node is started with, one a line.
const WORDS: &str = "CERTSTORE_TEST_NODE";
const LIMIT: Duration = Duration::from_secs(60);

/// The running test program, started again to run one of its tests as a process of its own, which tells by lines what it
/// does. Killed when dropped.
///
/// That test calls [`TestNode::words`] first, and does nothing when there are none: it is idle in ordinary runs.
#[derive(Debug)]
pub struct TestNode {
    child: Child,
    lines: Receiver<String>,
    said: RefCell<Vec<String>>,
}

impl TestNode {
    /// What this process was started with, if it is a node.
    #[must_use]
    pub fn words() -> Option<Vec<String>> {
        let words = std::env::var(WORDS).ok()?;
        Some(words.lines().map(str::to_owned).collect())
    }

    /// Starts the test of that name, with words that have no line ends.
    ///
    /// # Errors
    /// When the program cannot be started again.
    pub fn start(test: &str, words: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([test, "--exact", "--nocapture"])
            .env(WORDS, words.join("\n"))
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines, said: RefCell::default() })
    }

    /// The next line that has one of these words.
    ///
    /// # Errors
    /// When none comes within a minute; with all that the node said.
    pub fn wait_for(&self, words: &[&str]) -> io::Result<String> {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let said = self.said.borrow();
                let message = format!("waited in vain for {words:?}; the node said {said:#?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            };
            self.said.borrow_mut().push(line.clone());
            if words.iter().any(|word| line.contains(word)) {
                return Ok(line);
            }
        }
    }

    /// The address at the end of the next line that has this word.
    ///
    /// # Errors
    /// When none comes within a minute, or it ends otherwise.
    pub fn address(&self, word: &str) -> io::Result<SocketAddr> {
        let line = self.wait_for(&[word])?;
        let address = line.rsplit(' ').next().and_then(|last| last.parse().ok());
        address.ok_or_else(|| io::Error::other(format!("there is no address in: {line}")))
    }

    /// Every line so far that [`wait_for`](Self::wait_for) has come by.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.said.borrow().clone()
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
