//! One request on its way through the server: its place in the log, and what goes wrong with it.

use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;

use super::auth::{denied, too_skewed};
use super::body::ReplyBody;
use super::fault::Effect;
use super::log::Request;
use super::reply::{Refusal, Reply};
use super::{Op, Requests};
use crate::loopback::Cut;

/// The faults that strike a request.
#[derive(Debug, Default)]
pub(super) struct Struck(pub(super) Vec<Effect>);

impl Struck {
    fn has(&self, effect: Effect) -> bool {
        self.0.contains(&effect)
    }

    pub(super) fn ignores_position(&self) -> bool {
        self.has(Effect::IgnorePosition)
    }

    pub(super) fn ignores_forbid_overwrite(&self) -> bool {
        self.has(Effect::IgnoreForbidOverwrite)
    }

    pub(super) fn repeats(&self) -> bool {
        self.has(Effect::Repeat)
    }

    /// What happens before the request is done: nothing, a refusal in its place, or the end of the connection.
    pub(super) async fn before(&self, op: Op) -> Result<Result<(), Refusal>, Cut> {
        for effect in &self.0 {
            match effect {
                Effect::Delay(time) => tokio::time::sleep(*time).await,
                Effect::LoseRequest => return Err(Cut),
                effect => {
                    if let Some(refusal) = refusal(*effect, op) {
                        return Ok(Err(refusal));
                    }
                }
            }
        }
        Ok(Ok(()))
    }

    /// What happens once the request is done.
    pub(super) async fn after(
        &self,
        done: Result<Reply, Refusal>,
    ) -> Result<Result<Reply, Refusal>, Cut> {
        let mut done = done;
        for effect in &self.0 {
            match (effect, &mut done) {
                (Effect::LoseReply, _) => return Err(Cut),
                (Effect::DelayReply(time), _) => tokio::time::sleep(*time).await,
                (Effect::InternalErrorAfter, Ok(_)) => done = Err(Refusal::internal()),
                (Effect::NoChecksum, Ok(reply)) => {
                    reply.headers_mut().remove("x-oss-hash-crc64ecma");
                }
                (Effect::TruncateBody, Ok(reply)) => truncate(reply),
                _ => {}
            }
        }
        Ok(done)
    }
}

/// What the server says in place of doing anything; `None` for an effect of another kind.
fn refusal(effect: Effect, op: Op) -> Option<Refusal> {
    const BUSY: &str = "Please reduce your request rate.";
    let unavailable =
        |code, ec| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, code, ec, BUSY.to_owned());
    Some(match effect {
        Effect::InternalError => Refusal::internal(),
        Effect::ServiceUnavailable => unavailable("ServiceUnavailable", "0012-00000003"),
        Effect::QpsLimitExceeded => unavailable("QpsLimitExceeded", "0009-00000011"),
        Effect::TooManyRequests => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            Refusal::new(status, "TooManyRequests", "0009-00000012", BUSY)
        }
        Effect::OperationAborted => {
            let message =
                "A conflicting operation is in progress against this resource. Please try again.";
            Refusal::new(StatusCode::CONFLICT, "OperationAborted", "0012-00000004", message)
        }
        Effect::TokenExpired => {
            let message = "The security token you provided has expired.";
            Refusal::forbidden("SecurityTokenExpired", "0002-00000007", message)
        }
        Effect::ClockSkewed => too_skewed(),
        Effect::Denied => denied(op.permission()),
        _ => return None,
    })
}

/// The same headers with half of the body, after which the connection breaks.
fn truncate(reply: &mut Reply) {
    let whole = reply.body().bytes().clone();
    reply.headers_mut().insert(http::header::CONTENT_LENGTH, whole.len().into());
    *reply.body_mut() = ReplyBody::cut(whole.slice(..whole.len() / 2));
}

/// A request enters the log when its reply is ready, or when its connection ends before that.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) request: Request,
    log: Arc<Mutex<Requests>>,
}

impl Call {
    pub(super) fn new(log: &Arc<Mutex<Requests>>, conditional: bool) -> Self {
        let request = Request {
            op: Op::Other,
            bucket: String::new(),
            key: String::new(),
            access_key: String::new(),
            conditional,
            status: 0,
        };
        Self { request, log: Arc::clone(log) }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let request = self.request.clone();
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    }
}
