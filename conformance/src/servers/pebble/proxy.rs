//! What stands between a client and a CA, and holds a request until a test has done something.

use std::fmt;
use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Pebble;
use super::client::connect;
use crate::servers::tls::Authority;

/// Longer than a request of ACME takes, shorter than a test.
const LIMIT: Duration = Duration::from_secs(30);

/// Which part of an exchange is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The request: the CA knows nothing of it.
    Request,
    /// The answer: the CA has done what it was asked for, and the client does not know.
    Answer,
}

/// Stands before [`Pebble`] with a certificate of an authority of its own, and can [hold](Self::hold) a request or its
/// answer. Its clients see one CA: what Pebble names leads through it.
///
/// It stops listening when it is dropped.
pub struct CaProxy {
    shared: Arc<Shared>,
    port: u16,
    root: PathBuf,
}

struct Shared {
    server: SocketAddr,
    roots: Vec<u8>,
    tls: Arc<ServerConfig>,
    hold: Mutex<Option<Hold>>,
    instead: Mutex<Option<(String, String)>>,
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

struct Hold {
    part: Part,
    word: String,
    reached: Sender<()>,
    /// Told to go on, or dropped.
    go_on: Receiver<()>,
}

/// A request that is held, or will be. Dropped, the connection is closed, and what is held goes nowhere.
#[derive(Debug)]
pub struct Held {
    reached: Receiver<()>,
    go_on: Sender<()>,
}

impl Held {
    /// Waits until the request is there.
    ///
    /// # Errors
    /// When none comes within 30 seconds.
    pub fn reached(&self) -> io::Result<()> {
        let none = |_| io::Error::new(io::ErrorKind::TimedOut, "no such request has come");
        self.reached.recv_timeout(LIMIT).map_err(none)
    }

    /// Lets it pass.
    pub fn release(self) {
        // Its client may be gone.
        self.go_on.send(()).ok();
    }
}

impl CaProxy {
    /// Listens on a free port of 127.0.0.1 for clients of `pebble`.
    ///
    /// # Errors
    /// When no port can be had, or the authority's file cannot be written.
    pub fn before(pebble: &Pebble) -> io::Result<Self> {
        let authority = Authority::new()?;
        let (certificate, key) = authority.sign(&["localhost"], None)?;
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes());
        let chain = vec![chain.map_err(io::Error::other)?];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let root = pebble.process().folder().join(format!("proxy-{port}.pem"));
        std::fs::write(&root, authority.pem())?;
        let shared = Arc::new(Shared {
            server: pebble.api(),
            roots: std::fs::read(pebble.api_root())?,
            tls: Arc::new(tls),
            hold: Mutex::default(),
            instead: Mutex::default(),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if serving.over.load(Ordering::Acquire) {
                    return;
                }
                let (Ok(client), shared) = (client, Arc::clone(&serving)) else { continue };
                // A connection that breaks is its client's to notice.
                thread::spawn(move || shared.serve(client).ok());
            }
        });
        Ok(Self { shared, port, root })
    }

    /// The URL of the directory, through it.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// The PEM file of the authority that signed its certificate. It goes with Pebble.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Holds the next request whose path has `word` in it, such as `/finalize-order/`, or the answer to it; in place of
    /// the hold before, if that was not reached.
    #[must_use]
    pub fn hold(&self, part: Part, word: &str) -> Held {
        let (reached, told) = channel();
        let (go_on, waiting) = channel();
        *lock(&self.shared.hold) =
            Some(Hold { part, word: word.to_owned(), reached, go_on: waiting });
        Held { reached: told, go_on }
    }

    /// Answers the next request whose path has `word` in it itself, by this status and header field, as `429 Too Many
    /// Requests` and `Retry-After: 60`, with a problem of this type of ACME's (RFC 8555, section 6.7). The CA knows nothing
    /// of it.
    pub fn refuse(&self, word: &str, status: &str, field: &str, problem: &str) {
        let body = format!("{{\"type\": \"urn:ietf:params:acme:error:{problem}\"}}");
        let answer = format!(
            "HTTP/1.1 {status}\r\n{field}\r\nContent-Type: application/problem+json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        *lock(&self.shared.instead) = Some((word.to_owned(), answer));
    }

    /// The requests that came, as `POST /order-plz`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl fmt::Debug for CaProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaProxy").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Drop for CaProxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    /// One request, by HTTP/1.1; then both connections are closed.
    fn serve(&self, client: TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(LIMIT))?;
        let connection = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let mut client = StreamOwned::new(connection, client);
        let (head, body) = request(&mut client)?;
        let line = head.lines().next().unwrap_or_default();
        let line = line.strip_suffix(" HTTP/1.1").unwrap_or(line).to_owned();
        lock(&self.asked).push(line.clone());
        let hold = lock(&self.hold).take_if(|hold| line.contains(&hold.word));
        let part = hold.as_ref().map(|hold| hold.part);
        if part == Some(Part::Request) && !passes(hold.as_ref()) {
            return Ok(());
        }
        let instead = lock(&self.instead).take_if(|(word, _)| line.contains(&*word));
        if let Some((_, answer)) = instead {
            client.write_all(answer.as_bytes())?;
            client.conn.send_close_notify();
            return client.flush();
        }
        let mut server = connect(self.server, &self.roots, "localhost")?;
        server.write_all(head.trim_end().as_bytes())?;
        server.write_all(b"\r\nConnection: close\r\n\r\n")?;
        server.write_all(&body)?;
        let mut answer = Vec::new();
        match server.read_to_end(&mut answer) {
            // Go closes without a farewell.
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => {}
        }
        if part == Some(Part::Answer) && !passes(hold.as_ref()) {
            return Ok(());
        }
        client.write_all(&answer)?;
        client.conn.send_close_notify();
        client.flush()
    }
}

/// Says that the hold is reached, and waits until the test goes on.
fn passes(hold: Option<&Hold>) -> bool {
    let Some(hold) = hold else { return true };
    hold.reached.send(()).is_ok() && hold.go_on.recv().is_ok()
}

/// The head of a request without `Connection`, and its body.
fn request(stream: &mut impl Read) -> io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let named = |line: &&str, name: &str| {
        line.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name))
    };
    let length = head.lines().find(|line| named(line, "content-length"));
    let length = length.and_then(|line| line.split_once(':')?.1.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let kept: Vec<&str> = head.lines().filter(|line| !named(line, "connection")).collect();
    Ok((kept.join("\r\n"), body))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
