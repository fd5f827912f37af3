//! One request on its way through the server: who asks, what goes wrong with it, and what the log says of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::HeaderMap;

use super::fault::{Effect, Faults};
use super::log::Request;
use super::refusal::Refusal;
use super::store::Store;
use super::tokens::Tokens;
use super::{Op, Requests};
use crate::loopback::Cut;

/// What every connection shares, over restarts too.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Mutex<Store>,
    pub(super) log: Mutex<Requests>,
    pub(super) faults: Arc<Faults>,
    pub(super) tokens: Tokens,
    pub(super) endpoint: Mutex<String>,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) op: Op,
    pub(super) bucket: String,
    /// The object's name; of a list its prefix.
    pub(super) key: String,
    pub(super) conditional: bool,
}

/// What became of it.
pub(super) struct Outcome<T> {
    pub(super) result: Result<T, Refusal>,
    /// The body is cut in half.
    pub(super) truncated: bool,
}

impl Shared {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Requests> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn endpoint(&self) -> String {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does what is asked, unless the caller may not or a fault keeps it from being done. `work` is told whether
    /// conditions are ignored.
    pub(super) async fn run<T>(
        &self,
        call: Call,
        headers: &HeaderMap,
        work: impl FnOnce(&mut Store, bool) -> Result<T, Refusal>,
    ) -> Result<Outcome<T>, Cut> {
        let Call { op, bucket, key, conditional } = call;
        let mut request =
            Request { op, bucket, key, access_key: String::new(), conditional, status: 0 };
        let admitted = self.tokens.identify(headers).and_then(|identity| {
            identity.name.clone_into(&mut request.access_key);
            identity.check(op, &request.bucket).map(|()| identity)
        });
        let identity = match admitted {
            Ok(identity) => identity,
            Err(refusal) => return Ok(self.ended(request, Err(refusal), false)),
        };
        let effects = self.faults.take(op, &request.key, conditional);
        let mut result = match before(&effects, || identity.denied(op, &request.bucket)).await {
            Ok(()) => {
                let ignored = effects.contains(&Effect::IgnoreConditions);
                work(&mut self.store(), ignored)
            }
            Err(Before::Refused(refusal)) => return Ok(self.ended(request, Err(refusal), false)),
            Err(Before::Lost) => {
                self.log().push(request);
                return Err(Cut);
            }
        };
        for effect in &effects {
            match effect {
                Effect::LoseReply => {
                    self.log().push(request);
                    return Err(Cut);
                }
                Effect::DelayReply(time) => tokio::time::sleep(*time).await,
                Effect::FailAgainstItself if result.is_ok() => result = Err(Refusal::condition()),
                Effect::InternalErrorAfter if result.is_ok() => result = Err(Refusal::internal()),
                _ => {}
            }
        }
        let truncated = effects.contains(&Effect::TruncateBody);
        Ok(self.ended(request, result, truncated))
    }

    /// A request enters the log when its reply is ready, so a client that has its reply finds it there.
    fn ended<T>(
        &self,
        mut request: Request,
        result: Result<T, Refusal>,
        truncated: bool,
    ) -> Outcome<T> {
        request.status = result.as_ref().err().map_or(200, |refusal| refusal.status);
        self.log().push(request);
        Outcome { result, truncated }
    }
}

/// Why nothing is done.
enum Before {
    Refused(Refusal),
    Lost,
}

/// What happens before the request is done.
async fn before(effects: &[Effect], denied: impl Fn() -> Refusal) -> Result<(), Before> {
    for effect in effects {
        match effect {
            Effect::Delay(time) => tokio::time::sleep(*time).await,
            Effect::LoseRequest => return Err(Before::Lost),
            Effect::InternalError => return Err(Before::Refused(Refusal::internal())),
            Effect::ServiceUnavailable => return Err(Before::Refused(Refusal::unavailable())),
            Effect::TooManyRequests => {
                let text = "The request rate exceeds the limit. Please reduce your request rate.";
                return Err(Before::Refused(Refusal::new(429, "rateLimitExceeded", text)));
            }
            Effect::Conflict => {
                let text = "The request conflicts with another one. Please try again.";
                return Err(Before::Refused(Refusal::new(409, "conflict", text)));
            }
            Effect::TokenExpired => return Err(Before::Refused(Refusal::credentials())),
            Effect::Denied => return Err(Before::Refused(denied())),
            _ => {}
        }
    }
    Ok(())
}
