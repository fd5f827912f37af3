//! The server's side of HTTP: HTTP/1.1 and HTTP/2 on one port.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::sync::Notify;

use super::MAX_OBJECT;
use super::body::Frames;
use super::call::Shared;
use super::refusal::Refusal;
use super::{grpc, json, rpc};
use crate::loopback::{Cut, Serve, whole};

/// The metadata and the boundaries take room beside the bytes of the object.
const MAX_BODY: usize = MAX_OBJECT + (1 << 20);

impl Serve for Shared {
    async fn serve(self: Arc<Self>, stream: tokio::net::TcpStream) {
        // Over HTTP/2 an error ends a stream only; a lost reply is a lost connection.
        let cut = Arc::new(Notify::new());
        let cutting = Arc::clone(&cut);
        let service = service_fn(move |request| {
            let (shared, cut) = (Arc::clone(&self), Arc::clone(&cutting));
            async move {
                let answered = answer(&shared, request).await;
                if answered.is_err() {
                    cut.notify_one();
                    // No word of it on the way out.
                    std::future::pending::<()>().await;
                }
                answered
            }
        });
        let builder = Builder::new(TokioExecutor::new());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            // An error is a client that went away, or a reply that a fault keeps back.
            _ = connection => {}
            () = cut.notified() => {}
        }
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Frames>, Cut> {
    let (parts, body) = request.into_parts();
    let grpc = grpc::is_grpc(&parts.headers);
    let Some(body) = whole(body, MAX_BODY).await? else {
        let refusal = Refusal::new(413, "uploadTooLarge", "The object is too large.");
        return Ok(json::refused(&refusal));
    };
    if grpc {
        rpc::answer(shared, parts.uri.path(), &parts.headers, body).await
    } else {
        json::answer(shared, &parts, body).await
    }
}
