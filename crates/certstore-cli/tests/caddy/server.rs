//! The processes of these tests, ended with them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The command under test on the storage `url`.
pub(crate) fn certstore(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certstore"));
    command.args(["--storage", url]);
    command
}

/// Asks again until there is an answer; fails loudly when none comes in time.
pub(crate) fn eventually<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "{what} did not come within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Caddy on a directory, with a certificate authority at the address that the fixture's keys name.
pub(crate) struct Caddy {
    process: Child,
    pub(crate) https_port: u16,
    log: PathBuf,
}

impl Caddy {
    pub(crate) fn start(home: &Path, data: &Path, sites: &[String]) -> Self {
        let (http_port, https_port) = (free_port(), free_port());
        let config = format!(
            "{{\nadmin off\nskip_install_trust\nauto_https disable_redirects\ndefault_bind 127.0.0.1\n\
             http_port {http_port}\nhttps_port {https_port}\nemail ops@example.com\n\
             acme_ca https://127.0.0.1:14000/dir\nstorage file_system {}\n}}\n{}\n",
            data.display(),
            sites.join("\n")
        );
        let file = home.join("Caddyfile");
        fs::write(&file, config).unwrap();
        let log = home.join("caddy.log");
        let process = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&file)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("xdg-data"))
            .env("XDG_CONFIG_HOME", home.join("xdg-config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .expect("Caddy starts; `cargo xtask setup` installs it");
        Self { process, https_port, log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// A clean stop: Caddy gives its locks back.
    pub(crate) fn stop(&mut self) {
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Takes connections at the CA's address, counts them, and never answers.
pub(crate) struct SilentCa {
    contacts: Arc<AtomicUsize>,
    stop: Arc<AtomicUsize>,
}

impl SilentCa {
    pub(crate) fn start() -> Self {
        let listener = eventually("the CA's port 14000", Duration::from_secs(20), || {
            TcpListener::bind("127.0.0.1:14000").ok()
        });
        listener.set_nonblocking(true).unwrap();
        let (contacts, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, stopped) = (contacts.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            while stopped.load(Ordering::Relaxed) == 0 {
                match listener.accept() {
                    Ok(connection) => {
                        counted.fetch_add(1, Ordering::Relaxed);
                        open.push(connection);
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        });
        Self { contacts, stop }
    }

    pub(crate) fn contacts(&self) -> usize {
        self.contacts.load(Ordering::Relaxed)
    }
}

impl Drop for SilentCa {
    fn drop(&mut self) {
        self.stop.store(1, Ordering::Relaxed);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
