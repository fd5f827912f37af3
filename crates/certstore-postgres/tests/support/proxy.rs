//! A proxy before a PostgreSQL server that counts round trips: the messages of the client that the server answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Forwards connections to a server until it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    round_trips: AtomicU64,
    closed: AtomicBool,
    /// Once set, the server's answers are kept back.
    mute: AtomicBool,
    /// The connections accepted so far, and how many of them the server's answers are kept back from.
    accepted: AtomicU64,
    silent: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(crate) fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared::default());
        let for_thread = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { break };
                if for_thread.closed.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                serve(&for_thread, client, upstream);
            }
        });
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `Sync` and `Query` messages since the start, and those of opening connections.
    pub(crate) fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Forwards what clients send, and keeps back what the server answers; the connections are closed by `cut`.
    pub(crate) fn mute(&self) {
        self.shared.mute.store(true, Ordering::SeqCst);
    }

    /// Keeps back what the server answers on the connections that there are, and forwards on new ones.
    pub(crate) fn silence(&self) {
        let accepted = self.shared.accepted.load(Ordering::SeqCst);
        self.shared.silent.store(accepted, Ordering::SeqCst);
    }

    /// Closes every connection, and forwards again.
    pub(crate) fn cut(&self) {
        let mut connections = self.shared.connections.lock().expect("whole");
        for connection in connections.drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
        self.shared.mute.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn serve(shared: &Arc<Shared>, client: TcpStream, upstream: TcpStream) {
    drop((client.set_nodelay(true), upstream.set_nodelay(true)));
    let clones = (client.try_clone(), upstream.try_clone());
    let (Ok(client_out), Ok(upstream_out)) = clones else { return };
    let mut connections = shared.connections.lock().expect("whole");
    connections.extend([client.try_clone(), upstream.try_clone()].into_iter().flatten());
    drop(connections);
    let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
    let (up, down) = (shared.clone(), shared.clone());
    thread::spawn(move || forward(client, upstream_out, Counter::default(), &up));
    thread::spawn(move || {
        let (mut from, mut to) = (upstream, client_out);
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if down.mute.load(Ordering::SeqCst) || number < down.silent.load(Ordering::SeqCst) {
                continue;
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    });
}

fn forward(mut from: TcpStream, mut to: TcpStream, mut counter: Counter, shared: &Shared) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        shared.round_trips.fetch_add(counter.add(&buffer[..read]), Ordering::SeqCst);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}

/// Cuts a client's bytes into messages.
#[derive(Default)]
struct Counter {
    pending: Vec<u8>,
    /// What is left of a message that needs no look.
    skip: usize,
    begun: bool,
}

impl Counter {
    /// How many of the messages that end in these bytes the server answers.
    fn add(&mut self, bytes: &[u8]) -> u64 {
        self.pending.extend_from_slice(bytes);
        let mut answered = 0;
        loop {
            let skipped = self.skip.min(self.pending.len());
            self.pending.drain(..skipped);
            self.skip -= skipped;
            // The first messages (encryption, start-up) have a length and no kind.
            let kind = usize::from(self.begun);
            let Some(length) = self.pending.get(kind..kind + 4) else { return answered };
            let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
            if self.begun {
                answered += u64::from(matches!(self.pending[0], b'S' | b'Q' | b'p'));
            } else {
                answered += 1;
                // A request for encryption is eight bytes long, and another first message follows.
                self.begun = length != 8;
            }
            self.skip = kind + length;
        }
    }
}
