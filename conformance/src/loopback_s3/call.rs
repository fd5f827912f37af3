//! One request on its way through the server: what it is, and what goes wrong with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use hyper::StatusCode;
use s3s::dto::StreamingBlob;
use s3s::{Body, HttpResponse, S3Error, S3ErrorCode, s3_error};

use super::fault::Effect;
use super::log::Request;
use super::{Op, Requests};
use crate::loopback::Cut;

/// Travels in the request's extensions; the gate fills it in, the backend and the reply read it.
#[derive(Debug)]
pub(super) struct Call {
    state: Mutex<State>,
    log: Arc<Mutex<Requests>>,
}

#[derive(Debug)]
struct State {
    request: Request,
    effects: Vec<Effect>,
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
        Self { state: Mutex::new(State { request, effects: Vec::new() }), log: Arc::clone(log) }
    }

    /// What the gate learned of the request once its signature was right.
    pub(super) fn identify(&self, op: Op, bucket: &str, key: &str, access_key: &str) {
        let mut state = self.state();
        state.request.op = op;
        bucket.clone_into(&mut state.request.bucket);
        key.clone_into(&mut state.request.key);
        access_key.clone_into(&mut state.request.access_key);
    }

    pub(super) fn suffer(&self, effects: Vec<Effect>) {
        self.state().effects = effects;
    }

    pub(super) fn conditional(&self) -> bool {
        self.state().request.conditional
    }

    pub(super) fn effects(&self) -> Vec<Effect> {
        self.state().effects.clone()
    }

    pub(super) fn ignores_conditions(&self) -> bool {
        self.state().effects.contains(&Effect::IgnoreConditions)
    }

    /// The time between judging conditions and writing, of a store that races with itself.
    pub(super) fn race(&self) -> Option<Duration> {
        self.state().effects.iter().find_map(|effect| match effect {
            Effect::RacyConditions(time) => Some(*time),
            _ => None,
        })
    }

    /// What happens before the request is done. An error stands for the reply; where the connection is to be cut,
    /// [`after`](Self::after) does so.
    pub(super) async fn before(&self) -> Result<(), S3Error> {
        for effect in self.effects() {
            if let Effect::Delay(time) = effect {
                tokio::time::sleep(time).await;
            } else if let Some(error) = refusal(effect, self.state().request.op) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// What happens once the request is done.
    pub(super) async fn after(&self, mut reply: HttpResponse) -> Result<HttpResponse, Cut> {
        for effect in self.effects() {
            let done = reply.status().is_success();
            match effect {
                Effect::LoseRequest | Effect::LoseReply => return Err(Cut),
                Effect::DelayReply(time) => tokio::time::sleep(time).await,
                Effect::FailAgainstItself if done => {
                    let text = "At least one of the pre-conditions you specified did not hold";
                    reply = error_reply(s3_error!(PreconditionFailed, "{}", text))?;
                }
                Effect::InternalErrorAfter if done => reply = error_reply(internal_error())?,
                Effect::TruncateBody if done => reply = truncated(reply).await?,
                _ => {}
            }
        }
        self.state().request.status = reply.status().as_u16();
        Ok(reply)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request enters the log when its reply is ready, or when its connection ends before that.
impl Drop for Call {
    fn drop(&mut self) {
        let request = self.state().request.clone();
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    }
}

/// What the server says in place of doing anything; `None` for an effect of another kind.
fn refusal(effect: Effect, op: Op) -> Option<S3Error> {
    let custom = |code: &'static str, status, text| {
        let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), text);
        error.set_status_code(status);
        error
    };
    Some(match effect {
        Effect::LoseRequest => s3_error!(InternalError, "lost"),
        Effect::Conflict => {
            let text = "A conflicting conditional operation is currently in progress against this resource. \
                        Please try again.";
            s3_error!(ConditionalRequestConflict, "{}", text)
        }
        Effect::InternalError => internal_error(),
        Effect::SlowDown => s3_error!(SlowDown, "Please reduce your request rate."),
        Effect::TooManyRequests => {
            let text = "Please reduce your request rate.";
            custom("TooManyRequests", StatusCode::TOO_MANY_REQUESTS, text)
        }
        Effect::TokenExpired => s3_error!(ExpiredToken, "The provided token has expired."),
        Effect::ClockSkewed => {
            let text =
                "The difference between the request time and the server's time is too large.";
            s3_error!(RequestTimeTooSkewed, "{}", text)
        }
        Effect::Denied => denied(op),
        Effect::QuotaExceeded => {
            let text = "The quota of the bucket is used up.";
            custom("QuotaExceeded", StatusCode::FORBIDDEN, text)
        }
        _ => return None,
    })
}

/// As S3 words it since it names the action: the user, the action, and that no policy allows it.
pub(super) fn denied(op: Op) -> S3Error {
    let permission = op.permission();
    let text = format!(
        "User: arn:aws:iam::123456789012:user/loopback is not authorized to perform: {permission} on resource: \
         \"arn:aws:s3:::loopback\" because no identity-based policy allows the {permission} action"
    );
    s3_error!(AccessDenied, "{}", text)
}

fn internal_error() -> S3Error {
    s3_error!(InternalError, "We encountered an internal error. Please try again.")
}

pub(super) fn error_reply(error: S3Error) -> Result<HttpResponse, Cut> {
    error.to_http_response().map_err(|_| Cut)
}

/// The same headers with half of the body, after which the connection breaks.
async fn truncated(reply: HttpResponse) -> Result<HttpResponse, Cut> {
    let (mut parts, mut body) = reply.into_parts();
    let mut whole = Vec::new();
    while let Some(chunk) = body.next().await {
        whole.extend_from_slice(&chunk.map_err(|_| Cut)?);
    }
    parts.headers.insert(hyper::header::CONTENT_LENGTH, whole.len().into());
    whole.truncate(whole.len() / 2);
    let half = futures_util::stream::once(async { Ok(Bytes::from(whole)) });
    let end = futures_util::stream::once(async {
        // A body that waits lets the connection send what it has; with the error at once it would be thrown away.
        tokio::task::yield_now().await;
        Err(Cut)
    });
    let body = Body::from(StreamingBlob::wrap(half.chain(end)));
    Ok(HttpResponse::from_parts(parts, body))
}
