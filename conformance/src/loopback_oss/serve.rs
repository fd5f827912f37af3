//! The server's side of HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::auth::{Keys, denied};
use super::call::{Call, Struck};
use super::clock::ServerClock;
use super::fault::Faults;
use super::reply::{Refusal, Reply, set};
use super::request::Ask;
use super::route::{key_of, op_of, perform};
use super::store::Store;
use super::{MAX_OBJECT, Op, Requests};
use crate::loopback::credentials::Identity;
use crate::loopback::{Cut, Serve, whole};

/// What every connection shares, over restarts too.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Mutex<Store>,
    pub(super) keys: Keys,
    pub(super) faults: Faults,
    pub(super) clock: ServerClock,
    pub(super) log: Arc<Mutex<Requests>>,
    pub(super) served: AtomicU64,
}

impl Serve for Shared {
    async fn serve(self: Arc<Self>, stream: tokio::net::TcpStream) {
        let service = service_fn(move |request| answer(Arc::clone(&self), request));
        let connection = hyper::server::conn::http1::Builder::new();
        // An error is a client that went away, or a reply that a fault keeps back.
        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
    }
}

async fn answer(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Reply, Cut> {
    let (parts, body) = request.into_parts();
    let body = whole(body, MAX_OBJECT).await?;
    let too_large = body.is_none();
    let ask = Ask::new(parts, body.unwrap_or_default());
    let mut call = Call::new(&shared.log, ask.is_conditional());
    let done = if too_large {
        let message = "Your proposed upload exceeds the maximum allowed size.";
        Err(Refusal::bad("EntityTooLarge", "0016-00000204", message))
    } else {
        shared.handle(&ask, &mut call).await?
    };
    let number = shared.served.fetch_add(1, Ordering::Relaxed);
    let id = format!("{number:024X}");
    let host = ask.header("host");
    let mut reply =
        done.unwrap_or_else(|refusal| refusal.reply(host, &id, ask.method == Method::HEAD));
    set(&mut reply, "server", "AliyunOSS");
    set(&mut reply, "date", &httpdate::fmt_http_date(shared.clock.now()));
    set(&mut reply, "x-oss-request-id", &id);
    call.request.status = reply.status().as_u16();
    Ok(reply)
}

impl Shared {
    async fn handle(&self, ask: &Ask, call: &mut Call) -> Result<Result<Reply, Refusal>, Cut> {
        let identity = match self.keys.check(ask, self.clock.now()) {
            Ok(identity) => identity,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (op, key) = (op_of(ask), key_of(ask));
        call.request.op = op;
        ask.bucket.clone_into(&mut call.request.bucket);
        key.clone_into(&mut call.request.key);
        identity.credentials.access_key.clone_into(&mut call.request.access_key);
        if let Err(refusal) = allowed(identity, op) {
            return Ok(Err(refusal));
        }
        let struck = Struck(self.faults.take(op, key, ask.is_conditional()));
        if let Err(refusal) = struck.before(op).await? {
            return Ok(Err(refusal));
        }
        if struck.repeats() {
            drop(self.perform(op, ask, &struck));
        }
        struck.after(self.perform(op, ask, &struck)).await
    }

    fn perform(&self, op: Op, ask: &Ask, struck: &Struck) -> Result<Reply, Refusal> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        perform(&mut store, op, ask, struck, self.clock.now())
    }
}

fn allowed(identity: &Identity, op: Op) -> Result<(), Refusal> {
    if identity.may_write || !op.writes() {
        return Ok(());
    }
    Err(denied(op.permission()))
}
