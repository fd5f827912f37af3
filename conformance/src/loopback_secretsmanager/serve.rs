//! The server's side of HTTP: one request from its signature to its reply, with the faults that strike it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::watch;

use super::args::Args;
use super::body::Body;
use super::failure::{Done, Failure};
use super::fault::Faults;
use super::log::Request;
use super::store::Store;
use super::{Effect, Op, Requests, deletes, lists, reads, sign, writes};
use crate::loopback::credentials::Identity;
use crate::loopback::{Cut, Serve, whole};

/// The longest request, in bytes: a value in base64 and more than everything else.
const MAX_REQUEST: usize = 1 << 20;

/// What every connection shares, over restarts too.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<Mutex<Store>>,
    pub(super) faults: Arc<Faults>,
    pub(super) identities: Arc<Vec<Identity>>,
    pub(super) log: Mutex<Requests>,
    pub(super) numbers: AtomicU64,
    /// How often what is held was let go.
    pub(super) releases: watch::Sender<u64>,
}

impl Serve for Shared {
    async fn serve(self: Arc<Self>, stream: tokio::net::TcpStream) {
        let service = service_fn(move |request| answer(Arc::clone(&self), request));
        let connection = hyper::server::conn::http1::Builder::new();
        // An error is a client that went away, or a reply that a fault keeps back.
        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
    }
}

/// A request enters the log when its reply is ready, or when its connection ends before that.
struct Entry<'a> {
    shared: &'a Shared,
    request: Request,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut log = self.shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(self.request.clone());
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let unknown = Request {
        op: Op::Other,
        bucket: String::new(),
        key: String::new(),
        access_key: String::new(),
        conditional: false,
        status: 0,
    };
    let mut entry = Entry { shared: &shared, request: unknown };
    let mut effects = Vec::new();
    let done = match whole(body, MAX_REQUEST).await? {
        None => Err(Failure::validation("The request is too large.")),
        Some(body) => handle(&shared, &parts, &body, &mut entry.request, &mut effects).await,
    };
    if effects.contains(&Effect::LoseRequest) {
        return Err(Cut);
    }
    let done = after(done, &effects).await?;
    let status = done.as_ref().map_or_else(|failure| failure.status, |_| 200);
    entry.request.status = status;
    let cut = status == 200 && effects.contains(&Effect::TruncateBody);
    let value = done.unwrap_or_else(|failure| failure.body());
    Ok(reply(&shared, status, &value, cut))
}

async fn handle(
    shared: &Shared,
    parts: &http::request::Parts,
    body: &[u8],
    entry: &mut Request,
    effects: &mut Vec<Effect>,
) -> Done<Value> {
    let identity = sign::identify(&shared.identities, &parts.headers, body)?;
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    entry.op = Op::from_target(target.unwrap_or_default());
    identity.credentials.access_key.clone_into(&mut entry.access_key);
    if entry.op == Op::Other {
        return Err(Failure::new(
            "UnknownOperationException",
            "This server has no such operation.",
        ));
    }
    let args = Args::parse(body)?;
    entry.key = subject(shared, &args);
    entry.conditional = args.value("RemoveFromVersionId").is_some();
    if entry.op.writes() && !identity.may_write {
        return Err(Failure::denied(entry.op));
    }
    // Who sees that the fault has struck may let the request go at once.
    let released = shared.releases.subscribe();
    *effects = shared.faults.take(entry.op, &entry.key, entry.conditional);
    before(effects, entry.op, released).await?;
    let mut store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
    store.admit()?;
    if effects.contains(&Effect::Repeat) {
        // Its reply is lost.
        let _ = perform(&mut store, entry.op, &args);
    }
    perform(&mut store, entry.op, &args)
}

fn perform(store: &mut Store, op: Op, args: &Args) -> Done<Value> {
    match op {
        Op::CreateSecret => writes::create(store, args),
        Op::PutSecretValue => writes::put(store, args),
        Op::UpdateSecret => writes::update(store, args),
        Op::UpdateSecretVersionStage => writes::stage(store, args),
        Op::DeleteSecret => deletes::delete(store, args),
        Op::RestoreSecret => deletes::restore(store, args),
        Op::GetSecretValue => reads::get(store, args),
        Op::BatchGetSecretValue => reads::batch(store, args),
        Op::DescribeSecret => reads::describe(store, args),
        Op::ListSecrets => lists::list(store, args),
        Op::ListSecretVersionIds => reads::version_ids(store, args),
        Op::Other => {
            Err(Failure::new("UnknownOperationException", "This server has no such operation."))
        }
    }
}

/// The secret's name; of a list the first value of its first filter.
fn subject(shared: &Shared, args: &Args) -> String {
    let text = |name| args.text(name).ok().flatten();
    if let Some(id) = text("SecretId") {
        return shared.store.lock().unwrap_or_else(PoisonError::into_inner).name_of(id);
    }
    let prefix = || args.list("Filters").first()?["Values"][0].as_str();
    text("Name").or_else(prefix).unwrap_or_default().to_owned()
}

/// What happens before the request is done. An error stands for the reply.
async fn before(effects: &[Effect], op: Op, mut released: watch::Receiver<u64>) -> Done<()> {
    for effect in effects {
        match effect {
            Effect::Delay(time) => tokio::time::sleep(*time).await,
            // The other end is there as long as the server is.
            Effect::Hold => drop(released.changed().await),
            Effect::LoseRequest | Effect::InternalError => return Err(internal_error()),
            Effect::Unavailable => {
                return Err(Failure::new("ServiceUnavailable", "The service is not available."));
            }
            Effect::Throttle => return Err(Failure::new("ThrottlingException", "Rate exceeded")),
            Effect::LimitExceeded => {
                return Err(Failure::new("LimitExceededException", "A quota is used up."));
            }
            Effect::TokenExpired => {
                let message = "The security token included in the request is expired";
                return Err(Failure::new("ExpiredTokenException", message));
            }
            Effect::ClockSkewed => return Err(Failure::skewed("of this request")),
            Effect::Denied => return Err(Failure::denied(op)),
            _ => {}
        }
    }
    Ok(())
}

/// What happens once the request is done.
async fn after(mut done: Done<Value>, effects: &[Effect]) -> Result<Done<Value>, Cut> {
    for effect in effects {
        match effect {
            Effect::LoseReply => return Err(Cut),
            Effect::DelayReply(time) => tokio::time::sleep(*time).await,
            Effect::InternalErrorAfter if done.is_ok() => done = Err(internal_error()),
            _ => {}
        }
    }
    Ok(done)
}

fn internal_error() -> Failure {
    Failure::new("InternalServiceError", "An error occurred on the server side.")
}

fn reply(shared: &Shared, status: u16, value: &Value, cut: bool) -> Response<Body> {
    let bytes = Bytes::from(value.to_string());
    let number = shared.numbers.fetch_add(1, Ordering::Relaxed);
    let mut response =
        Response::new(if cut { Body::half(&bytes) } else { Body::whole(bytes.clone()) });
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        hyper::header::HeaderValue::from_static("application/x-amz-json-1.1"),
    );
    headers.insert("content-length", bytes.len().into());
    headers.insert("x-amzn-requestid", number.into());
    response
}
