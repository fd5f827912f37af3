//! `certstore serve` as processes.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use certstore_conformance::servers::{
    CaProxy, Pebble, Place, ServerProcess, ServerSpec, https_certificate,
};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(50);

/// Where a node finds its CA.
#[derive(Debug, Clone)]
pub(crate) struct Ca {
    pub(crate) directory: String,
    pub(crate) root: PathBuf,
}

impl Ca {
    pub(crate) fn of(pebble: &Pebble) -> Self {
        Self { directory: pebble.directory(), root: pebble.api_root() }
    }

    pub(crate) fn through(proxy: &CaProxy) -> Self {
        Self { directory: proxy.directory(), root: proxy.root().to_owned() }
    }
}

/// `certstore serve` for these names, to be given its ports.
pub(crate) fn command(url: &str, ca: &Ca, names: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certstore"));
    command.args(["--json", "--storage", url, "-v", "serve"]).args(names);
    command.args(["--issuer", "acme", "--agree", "--email", "ops@example.com"]);
    command.arg("--ca").arg(&ca.directory).arg("--ca-root").arg(&ca.root);
    command.stdin(Stdio::null());
    command
}

/// What another command of the program prints, as JSON.
pub(crate) fn asked(url: &str, words: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certstore"));
    let ran = command.args(["--json", "--storage", url]).args(words).output();
    let ran = ran.expect("the program runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

pub(crate) fn files(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// One node of a fleet: it listens, and has its certificates later.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) process: ServerProcess,
}

const HTTPS: usize = 0;
const HTTP: usize = 1;

impl Node {
    pub(crate) fn start(url: &str, ca: &Ca, names: &[&str]) -> Self {
        Self::start_with(url, ca, names, &[])
    }

    /// With more arguments.
    pub(crate) fn start_with(
        url: &str,
        ca: &Ca,
        names: &[&str],
        arguments: &'static [&'static str],
    ) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (url, ca) = (url.to_owned(), ca.clone());
        let prepare = move |place: &Place| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut command = command(&url, &ca, &names);
            command.args(arguments);
            for (option, port) in [("--https", HTTPS), ("--http", HTTP)] {
                command.arg(option).arg(format!("127.0.0.1:{}", place.port_at(port)));
            }
            Ok(command)
        };
        let ready =
            |place: &Place| TcpStream::connect(("127.0.0.1", place.port_at(HTTPS))).map(drop);
        let spec = ServerSpec::new("certstore", prepare, ready).ports(2);
        Self { process: ServerProcess::start(spec).expect("the node starts") }
    }

    pub(crate) fn https(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.process.place().port_at(HTTPS)).into()
    }

    pub(crate) fn http(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.process.place().port_at(HTTP)).into()
    }

    pub(crate) fn kill(&self) {
        self.process.kill().expect("it is killed");
    }

    /// The certificate that it shows for a name to a client that trusts `roots`, in DER.
    pub(crate) fn shown(&self, roots: &str, name: &str) -> io::Result<Vec<u8>> {
        https_certificate(self.https(), roots.as_bytes(), name)
    }

    /// As [`shown`](Self::shown); `None`: it has none.
    pub(crate) fn shows(&self, roots: &str, name: &str) -> Option<Vec<u8>> {
        self.shown(roots, name).ok()
    }

    /// As [`shows`](Self::shows), once it has one.
    pub(crate) fn certificate(&self, roots: &str, name: &str) -> Vec<u8> {
        let end = Instant::now() + LIMIT;
        loop {
            match self.shown(roots, name) {
                Ok(shown) => return shown,
                Err(error) if Instant::now() > end => {
                    panic!("no certificate for {name}, {error}: {}", self.process.error("has none"))
                }
                Err(_) => std::thread::sleep(LOOK),
            }
        }
    }

    /// What it says once it has them all.
    pub(crate) fn told(&self) -> Value {
        let line = wait_for("the node tells what it serves", || {
            let log = self.process.log();
            log.lines().find(|line| line.starts_with('{')).map(str::to_owned)
        });
        serde_json::from_str(&line).expect("JSON")
    }
}

/// Looks until there is something, for 40 seconds.
pub(crate) fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

/// How many accounts the CA has made.
pub(crate) fn accounts(pebble: &Pebble) -> usize {
    pebble.process().log().matches("accounts in memory").count()
}
