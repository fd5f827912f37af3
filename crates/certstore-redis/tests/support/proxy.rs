//! A proxy before a Redis server: it counts round trips, and can break a connection in the midst of what is sent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Where what a client sends is cut off, together with its connection.
    cut: Mutex<Option<Vec<u8>>>,
    connections: Mutex<Vec<TcpStream>>,
}

#[expect(
    clippy::allow_attributes,
    reason = "which ones are unused differs from test program to test program"
)]
#[allow(dead_code)]
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

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How often a client has sent something after the server had answered what it sent before.
    pub(crate) fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Forwards what comes before `text`, the next time that a client sends it, and closes that connection.
    pub(crate) fn cut_before(&self, text: &str) {
        *whole(&self.shared.cut) = Some(text.as_bytes().to_vec());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        for connection in whole(&self.shared.connections).drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(shared: &Arc<Shared>, client: TcpStream, upstream: TcpStream) {
    drop((client.set_nodelay(true), upstream.set_nodelay(true)));
    let clones = (client.try_clone(), upstream.try_clone());
    let (Ok(client_out), Ok(upstream_out)) = clones else { return };
    let clones = [client.try_clone(), upstream.try_clone()];
    whole(&shared.connections).extend(clones.into_iter().flatten());
    // Nothing sent is without an answer.
    let quiet = Arc::new(AtomicBool::new(true));
    let (up, answered) = (shared.clone(), quiet.clone());
    thread::spawn(move || {
        forward(client, upstream_out, |sent| {
            if quiet.swap(false, Ordering::SeqCst) {
                up.round_trips.fetch_add(1, Ordering::SeqCst);
            }
            let mut cut = whole(&up.cut);
            let at = cut.as_ref().and_then(|cut| {
                sent.windows(cut.len()).position(|window| window == cut.as_slice())
            });
            if at.is_some() {
                *cut = None;
            }
            at
        });
    });
    thread::spawn(move || {
        forward(upstream, client_out, |_| {
            answered.store(true, Ordering::SeqCst);
            None
        });
    });
}

/// Forwards until one side ends, or to where `cut` says.
fn forward(mut from: TcpStream, mut to: TcpStream, cut: impl Fn(&[u8]) -> Option<usize>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let end = cut(&buffer[..read]);
        if to.write_all(&buffer[..end.unwrap_or(read)]).is_err() || end.is_some() {
            break;
        }
    }
    drop((to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both)));
}
