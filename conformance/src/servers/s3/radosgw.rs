//! Ceph's S3 gateway: a server that is in production elsewhere, with its own view of the protocol.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::S3Account;
use crate::servers::{Place, ServerProcess, ServerSpec, Shared, program, run_text, tools_dir};

/// Names the shared server's account in the environment of worker processes.
const SHARED_ENV: &str = "CERTSTORE_TEST_RADOSGW";
const LAUNCHER: &str = include_str!("radosgw.sh");
const ACCESS_KEY: &str = "RADOSGWTEST000000001";
const SECRET_KEY: &str = "radosgw-secret-key-for-tests-00000000001";

/// A Ceph cluster with its S3 gateway on a port of 127.0.0.1: one monitor, one object store in memory, one gateway.
///
/// Its objects do not outlive the object store's process: pause and resume it, and start another one in place of a
/// restart. Its conditions are not AWS's: `If-Match` wants the ETag without quotes, a delete ignores it, and racing
/// conditional writes may be answered with 500.
#[derive(Debug)]
pub struct Radosgw {
    /// `None`: another process's.
    process: Option<ServerProcess>,
    account: S3Account,
}

impl Radosgw {
    /// Starts a cluster of one's own, which takes some seconds.
    ///
    /// # Errors
    /// When a program is missing, or the cluster does not come up; with the end of its log.
    pub fn start() -> io::Result<Self> {
        for name in ["ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin"] {
            program(name, &[])?;
        }
        let prepare = |place: &Place| {
            let script = place.write("radosgw.sh", LAUNCHER)?;
            let mut command = Command::new("sh");
            command.arg(script).arg(place.port().to_string()).arg(place.port_at(1).to_string());
            command.env("ACCESS_KEY", ACCESS_KEY).env("SECRET_KEY", SECRET_KEY);
            Ok(command)
        };
        let spec = ServerSpec::new("radosgw", prepare, answers).ports(2);
        let process = ServerProcess::start(spec.limit(Duration::from_secs(120)))?;
        let account = S3Account::new(process.port(), ACCESS_KEY, SECRET_KEY);
        create_bucket(&account)?;
        Ok(Self { process: Some(process), account })
    }

    /// Where it is and what opens it.
    #[must_use]
    pub fn account(&self) -> &S3Account {
        &self.account
    }

    /// The processes, to kill, pause and resume them all.
    ///
    /// # Errors
    /// When another process started the server.
    pub fn process(&self) -> io::Result<&ServerProcess> {
        self.process.as_ref().ok_or_else(|| {
            io::Error::other("this server is another process's; start one of your own")
        })
    }

    /// What makes [`shared_radosgw`] in a worker process reach this server.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        vec![(SHARED_ENV.to_owned(), self.account.to_text())]
    }
}

/// Whether the gateway answers a request.
fn answers(place: &Place) -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", place.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut reply = [0; 5];
    stream.read_exact(&mut reply)?;
    if &reply == b"HTTP/" { Ok(()) } else { Err(io::Error::other("it does not speak HTTP")) }
}

fn create_bucket(account: &S3Account) -> io::Result<()> {
    let mut python = Command::new(tools_dir().join("venv/bin/python"));
    python.args(["-c", include_str!("bucket.py")]);
    python.env("ENDPOINT", account.endpoint());
    python.env("ACCESS_KEY", account.access_key()).env("SECRET_KEY", account.secret_key());
    run_text(&mut python).map(drop)
}

/// The cluster that all tests of this process share, started on first use; in a worker process with
/// [`Radosgw::worker_env`] in its environment, the starter's.
///
/// # Errors
/// As [`Radosgw::start`].
pub fn shared_radosgw() -> io::Result<&'static Radosgw> {
    static SHARED: Shared<Radosgw> = Shared::new();
    let attach = |text: &str| Ok(Radosgw { process: None, account: S3Account::from_text(text)? });
    SHARED.get(SHARED_ENV, attach, Radosgw::start)
}
