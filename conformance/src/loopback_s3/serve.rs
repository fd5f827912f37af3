//! The server's side of TCP and HTTP.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::StreamExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::service::S3Service;
use s3s::{Body, HttpResponse, s3_error};
use tokio::sync::oneshot;

use super::call::{Call, Cut, error_reply};
use super::{MAX_OBJECT, Requests};

/// What every connection shares, over restarts too.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) service: S3Service,
    pub(super) log: Arc<Mutex<Requests>>,
}

/// A server that accepts; dropping it closes every connection.
#[derive(Debug)]
pub(super) struct Running {
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
    pub(super) address: SocketAddr,
}

impl Running {
    /// Listens on `port` of 127.0.0.1; on a free one where it is 0.
    pub(super) fn start(port: u16, shared: Arc<Shared>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(accept(listener, &shared, stopped));
            runtime.shutdown_timeout(Duration::from_secs(5));
        };
        let thread = std::thread::Builder::new().name("loopback-s3".to_owned()).spawn(serve)?;
        Ok(Self { stop: Some(stop), thread: Some(thread), address })
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
    shared: &Arc<Shared>,
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
            tokio::spawn(connection(stream, Arc::clone(shared)));
        }
    }
}

async fn connection(stream: tokio::net::TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    let connection = hyper::server::conn::http1::Builder::new();
    // An error is a client that went away, or a reply that a fault keeps back.
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

/// Reads the whole request before anything else, so that a refusal never meets a client that still sends: closing a
/// socket with unread bytes resets it, and the client would not see the reply.
async fn answer(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<HttpResponse, Cut> {
    let (mut parts, body) = request.into_parts();
    let conditional =
        ["if-match", "if-none-match"].iter().any(|name| parts.headers.contains_key(*name));
    let call = Arc::new(Call::new(&shared.log, conditional));
    let mut body = Body::from(body);
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Cut)?;
        length += chunk.len();
        // Chunk signatures take room beside the bytes of the object.
        if length <= 2 * MAX_OBJECT {
            bytes.extend_from_slice(&chunk);
        }
    }
    let reply = if length > bytes.len() {
        error_reply(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ))?
    } else {
        parts.extensions.insert(Arc::clone(&call));
        let request = hyper::Request::from_parts(parts, Body::from(bytes));
        shared.service.call(request).await.map_err(|_| Cut)?
    };
    let reply = if reply.status() == StatusCode::NOT_MODIFIED {
        reply.map(|_| Body::empty())
    } else {
        reply
    };
    call.after(reply).await
}
