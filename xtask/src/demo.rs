//! `cargo xtask demo`: the README's first command, and that it does what it says.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::programs;
use crate::shell::{capture, file_url, run, target_dir};

/// Where the internal authority keeps its root.
const ROOT: &str = "pki/authorities/local/root.crt";
/// The words before the address of what is served.
const SERVING: &str = "serving https://localhost";

/// Serves a page over HTTPS with a certificate of the internal authority, in a storage of files; asks for the page as
/// a client that trusts the root, and shows what is stored.
pub(crate) fn demo() -> Result<()> {
    let made = target_dir().join("demo");
    if made.exists() {
        std::fs::remove_dir_all(&made)?;
    }
    std::fs::create_dir_all(&made)?;
    let url = file_url(&made.join("store"));
    println!("demo: building the program, some minutes the first time; nothing is installed");
    let mut get = programs::https_get()?;
    let serving = Serving::start(&url)?;
    let root = made.join("certstore-root.crt");
    println!("\ndemo: the page, to a client that trusts this root alone");
    certstore(&url, &["get", ROOT, "-o", &root.to_string_lossy()])?;
    let page = capture(get.arg(format!("127.0.0.1:{}", serving.port)).arg(&root).arg("localhost"))?;
    if !page.contains("certstore serves localhost over HTTPS") {
        bail!("this is not the page that is served: {page}");
    }
    println!("{page}");
    println!("demo: what lies in {}", shown(&made.join("store")));
    certstore(&url, &["ls", "-r", "-l"])?;
    certstore(&url, &["certs"])?;
    certstore(&url, &["verify"])?;
    serving.stop()
}

fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map(PathBuf::from).unwrap_or(path.to_owned()).display().to_string()
}

/// A server that runs until this is dropped.
struct Serving {
    child: Child,
    port: String,
}

impl Serving {
    /// On free ports, so that the demo runs anywhere.
    fn start(url: &str) -> Result<Self> {
        let arguments = ["serve", "localhost", "--issuer", "internal"];
        let ports = ["--https", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let mut command = programs::certstore()?;
        command.args(["--storage", url]).args(arguments).args(ports);
        println!("\n$ certstore --storage {url} {} {}", arguments.join(" "), ports.join(" "));
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run certstore")?;
        let lines = child.stdout.take().map(BufReader::new).context("it has no output")?.lines();
        let mut serving = Self { child, port: String::new() };
        for line in lines {
            let line = line?;
            println!("{line}");
            if let Some(rest) = line.strip_prefix(SERVING) {
                // `:PORT/`, or nothing before the path on the port of HTTPS.
                let port: String = rest.chars().skip(1).take_while(char::is_ascii_digit).collect();
                serving.port = if port.is_empty() { "443".to_owned() } else { port };
            }
            // The last line of how to trust the root.
            if line.contains("update-ca-certificates") || line.contains("add-trusted-cert") {
                return Ok(serving);
            }
        }
        bail!("it ended before it served")
    }

    /// As Ctrl-C does.
    fn stop(mut self) -> Result<()> {
        if cfg!(unix) {
            run(Command::new("kill").arg(self.child.id().to_string()))?;
            let status = self.child.wait()?;
            if !status.success() {
                bail!("it ended with {status}");
            }
        }
        println!("demo: stopped, as Ctrl-C would");
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn certstore(url: &str, arguments: &[&str]) -> Result<()> {
    let mut command: Command = programs::certstore()?;
    command.args(["--storage", url]).args(arguments);
    println!("$ certstore --storage {url} {}", arguments.join(" "));
    run(&mut command)?;
    println!();
    Ok(())
}
