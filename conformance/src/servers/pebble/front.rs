//! The one address of a fleet: where a CA looks for the answer to TLS-ALPN-01.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);
/// The content type of a TLS record that carries a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// Passes each TLS connection on to the first of several servers that takes it: one that has no answer to the ClientHello
/// replies with an alert, and the next is asked.
///
/// It stops listening when it is dropped.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
    over: Arc<AtomicBool>,
}

impl TlsFront {
    /// Listens on a port of 127.0.0.1.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16, servers: Vec<SocketAddr>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let over = Arc::new(AtomicBool::new(false));
        let (stop, servers) = (over.clone(), Arc::new(servers));
        thread::spawn(move || {
            for client in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let (Ok(client), servers) = (client, servers.clone()) else { continue };
                // A connection that breaks is its client's to notice.
                thread::spawn(move || pass_on(client, &servers).ok());
            }
        });
        Ok(Self { port, over })
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn pass_on(mut client: TcpStream, servers: &[SocketAddr]) -> io::Result<()> {
    client.set_read_timeout(Some(LIMIT))?;
    let hello = record(&mut client)?;
    for server in servers {
        let Ok((server, first)) = ask(server, &hello) else { continue };
        if first.first() == Some(&HANDSHAKE) {
            client.write_all(&first)?;
            return relay(client, server);
        }
    }
    client.shutdown(Shutdown::Both)
}

fn ask(server: &SocketAddr, hello: &[u8]) -> io::Result<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(server, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(hello)?;
    let first = record(&mut stream)?;
    Ok((stream, first))
}

/// One TLS record, with its header of five bytes.
fn record(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut record = vec![0; 5];
    stream.read_exact(&mut record)?;
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(5 + length, 0);
    stream.read_exact(&mut record[5..])?;
    Ok(record)
}

fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = (client.try_clone()?, client);
    let (mut from_server, mut to_server) = (server.try_clone()?, server);
    let up = thread::spawn(move || {
        let copied = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)?;
        copied
    });
    let copied = io::copy(&mut from_server, &mut to_client);
    to_client.shutdown(Shutdown::Write)?;
    copied?;
    up.join().map_err(|_| io::Error::other("the thread panicked"))?.map(drop)
}
