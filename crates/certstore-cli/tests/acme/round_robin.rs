//! The one address of a fleet, which reaches a node after the other.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::node::wait_for;

#[derive(Default)]
struct Shared {
    nodes: Mutex<Vec<SocketAddr>>,
    next: AtomicUsize,
    over: AtomicBool,
}

/// Passes each connection on to the next node that takes it. Ends when it is dropped.
pub(crate) struct RoundRobin {
    port: u16,
    shared: Arc<Shared>,
}

impl RoundRobin {
    pub(crate) fn on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if serving.over.load(Ordering::Acquire) {
                    return;
                }
                let (Ok(client), shared) = (client, Arc::clone(&serving)) else { continue };
                // A connection that breaks is its client's to notice.
                thread::spawn(move || shared.pass_on(client).ok());
            }
        });
        Self { port, shared }
    }

    pub(crate) fn add(&self, node: SocketAddr) {
        self.nodes().push(node);
    }

    /// Reaches none but this one from now on.
    pub(crate) fn only(&self, node: SocketAddr) {
        *self.nodes() = vec![node];
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.shared.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RoundRobin {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    fn pass_on(&self, client: TcpStream) -> io::Result<()> {
        // A node that has just started may order before it is added.
        let nodes = wait_for("a node is there", || {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone();
            (!nodes.is_empty()).then_some(nodes)
        });
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let turns = (0..nodes.len()).map(|turn| nodes[(first + turn) % nodes.len()]);
        let Some(server) = turns.map(TcpStream::connect).find_map(Result::ok) else {
            return client.shutdown(Shutdown::Both);
        };
        let (mut from_client, mut to_client) = (client.try_clone()?, client);
        let (mut from_server, mut to_server) = (server.try_clone()?, server);
        thread::spawn(move || {
            io::copy(&mut from_client, &mut to_server)?;
            to_server.shutdown(Shutdown::Write)
        });
        io::copy(&mut from_server, &mut to_client)?;
        to_client.shutdown(Shutdown::Both)
    }
}
