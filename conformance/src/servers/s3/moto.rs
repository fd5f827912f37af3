//! moto: an independent second S3 server, in Python.

use std::io;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::S3Account;
use crate::servers::{Place, ServerProcess, ServerSpec, Shared, tools_dir};

/// Names the shared server's account in the environment of worker processes.
const SHARED_ENV: &str = "CERTSTORE_TEST_MOTO";
/// The file, in the server's folder, that receives the access key.
const KEYS: &str = "keys";
const LAUNCHER: &str = include_str!("moto.py");

/// A moto server on a port of 127.0.0.1, under a launcher of our own: requests run one at a time, which makes
/// conditions linearizable, and signatures are checked (wrong ones are 403).
///
/// It keeps its objects in memory: they are gone, and the keys are others, after a restart.
#[derive(Debug)]
pub struct Moto {
    /// `None`: another process's.
    process: Option<ServerProcess>,
    account: Mutex<S3Account>,
}

impl Moto {
    /// Starts a server of one's own.
    ///
    /// # Errors
    /// When Python or moto is missing, or the server does not come up; with the end of its log.
    pub fn start() -> io::Result<Self> {
        let python = tools_dir().join("venv/bin/python");
        if !python.is_file() {
            let text = format!("there is no {}; run: cargo xtask setup", python.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        let prepare = move |place: &Place| {
            let script = place.write("launcher.py", LAUNCHER)?;
            let mut command = Command::new(&python);
            command.arg(script).arg(place.port().to_string()).arg(place.folder().join(KEYS));
            Ok(command)
        };
        let ready = |place: &Place| std::fs::metadata(place.folder().join(KEYS)).map(drop);
        let spec = ServerSpec::new("moto", prepare, ready).limit(Duration::from_secs(60));
        let process = ServerProcess::start(spec)?;
        let account = account(&process)?;
        Ok(Self { process: Some(process), account: Mutex::new(account) })
    }

    /// Where it is and what opens it; after a restart another one.
    #[must_use]
    pub fn account(&self) -> S3Account {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The process, to kill, pause and resume it; [`restart`](Self::restart) starts it again.
    ///
    /// # Errors
    /// When another process started the server.
    pub fn process(&self) -> io::Result<&ServerProcess> {
        self.process.as_ref().ok_or_else(|| {
            io::Error::other("this server is another process's; start one of your own")
        })
    }

    /// Kills the server and starts it on the same port: empty, and with another [`account`](Self::account).
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`process`](Self::process).
    pub fn restart(&self) -> io::Result<()> {
        let process = self.process()?;
        process.kill()?;
        std::fs::remove_file(process.folder().join(KEYS))?;
        process.start_again()?;
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account(process)?;
        Ok(())
    }

    /// What makes [`shared_moto`] in a worker process reach this server.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        vec![(SHARED_ENV.to_owned(), self.account().to_text())]
    }
}

fn account(process: &ServerProcess) -> io::Result<S3Account> {
    let keys = std::fs::read_to_string(process.folder().join(KEYS))?;
    let split = keys.split_once(' ');
    let (access, secret) = split.ok_or_else(|| process.error("gives no access key"))?;
    Ok(S3Account::new(process.port(), access, secret))
}

/// The moto server that all tests of this process share, started on first use; in a worker process with
/// [`Moto::worker_env`] in its environment, the starter's.
///
/// # Errors
/// As [`Moto::start`].
pub fn shared_moto() -> io::Result<&'static Moto> {
    static SHARED: Shared<Moto> = Shared::new();
    let attach = |text: &str| {
        let account = Mutex::new(S3Account::from_text(text)?);
        Ok(Moto { process: None, account })
    };
    SHARED.get(SHARED_ENV, attach, Moto::start)
}
