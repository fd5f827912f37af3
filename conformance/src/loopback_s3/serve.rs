//! The server's side of HTTP.

use std::sync::{Arc, Mutex};

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::service::S3Service;
use s3s::{Body, HttpResponse, s3_error};

use super::call::{Call, error_reply};
use super::{MAX_OBJECT, Requests};
use crate::loopback::{Cut, Serve, whole};

/// What every connection shares, over restarts too.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) service: S3Service,
    pub(super) log: Arc<Mutex<Requests>>,
}

impl Serve for Shared {
    async fn serve(self: Arc<Self>, stream: tokio::net::TcpStream) {
        let service = service_fn(move |request| answer(Arc::clone(&self), request));
        let connection = hyper::server::conn::http1::Builder::new();
        // An error is a client that went away, or a reply that a fault keeps back.
        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<HttpResponse, Cut> {
    let (mut parts, body) = request.into_parts();
    let conditional =
        ["if-match", "if-none-match"].iter().any(|name| parts.headers.contains_key(*name));
    let call = Arc::new(Call::new(&shared.log, conditional));
    // Chunk signatures take room beside the bytes of the object.
    let reply = match whole(body, 2 * MAX_OBJECT).await? {
        None => error_reply(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ))?,
        Some(bytes) => {
            parts.extensions.insert(Arc::clone(&call));
            let request = hyper::Request::from_parts(parts, Body::from(bytes));
            shared.service.call(request).await.map_err(|_| Cut)?
        }
    };
    let reply = if reply.status() == StatusCode::NOT_MODIFIED {
        reply.map(|_| Body::empty())
    } else {
        reply
    };
    call.after(reply).await
}
