//! The server's side of TCP: listening, and ending every connection at once.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Closes the connection without a reply.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is closed without a reply")
    }
}

impl std::error::Error for Cut {}

/// What serves connections. It outlives restarts.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Serves one connection to its end; dropped when the server stops.
    fn serve(self: Arc<Self>, stream: TcpStream) -> impl Future<Output = ()> + Send;
}

/// A server that accepts; dropping it closes every connection.
#[derive(Debug)]
pub(crate) struct Running {
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Listens on `port` of 127.0.0.1, with threads of its own called `name`.
    pub(crate) fn start(port: u16, name: &str, server: Arc<impl Serve>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(accept(listener, &server, stopped));
            runtime.shutdown_timeout(Duration::from_secs(5));
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(serve)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Accepts until the other end of `stopped` is gone. Connections end with the runtime.
async fn accept(
    listener: TcpListener,
    server: &Arc<impl Serve>,
    mut stopped: oneshot::Receiver<Infallible>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        if let Ok((stream, _)) = accepted {
            let _ = stream.set_nodelay(true);
            tokio::spawn(Arc::clone(server).serve(stream));
        }
    }
}

/// Reads a whole body before anything else, so that a refusal never meets a client that still sends: closing a socket
/// with unread bytes resets it, and the client would not see the reply. `None`: it has more than `limit` bytes.
pub(crate) async fn whole(mut body: Incoming, limit: usize) -> Result<Option<Bytes>, Cut> {
    let (mut bytes, mut length) = (BytesMut::new(), 0);
    let mut frames =
        futures_util::stream::poll_fn(move |cx| std::pin::Pin::new(&mut body).poll_frame(cx));
    while let Some(frame) = frames.next().await {
        let Ok(chunk) = frame.map_err(|_| Cut)?.into_data() else { continue };
        length += chunk.len();
        if length <= limit {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok((length == bytes.len()).then(|| bytes.freeze()))
}
