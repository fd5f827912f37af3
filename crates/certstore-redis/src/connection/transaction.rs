//! A write and the notice of it, as one step in one write.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use certstore_core::Result;
use redis::{Cmd, FromRedisValue, Pipeline, RedisResult, Value};
use tokio::sync::{RwLock, RwLockReadGuard};

use super::Connection;
use super::dial::Request;
use super::reply::parsed;
use crate::error::{Effect, redis_error, unexpected_reply};

/// What became of a transaction.
#[derive(Debug, PartialEq)]
pub(crate) enum Transaction<T> {
    /// The write's answer.
    Done(T),
    /// Nothing was done: a script can do it.
    NotOffered,
}

/// When there may be transactions.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// Whether the user may use them.
    allowed: AtomicBool,
    /// The channels that this connection was ever to listen to, whether the server heard of it or not.
    heard: RwLock<BTreeSet<Vec<u8>>>,
}

impl Transactions {
    /// For as long as the guard is there, nobody begins to listen to the channel. None where somebody did, or is about to:
    /// Redis before 7.2 puts a message for the very connection that publishes it amid the answer to `EXEC`, and every
    /// answer behind it would be taken for another one's (<https://github.com/redis/redis/pull/12326>).
    fn unheard(&self, channel: &str) -> Option<RwLockReadGuard<'_, BTreeSet<Vec<u8>>>> {
        if !self.allowed.load(Ordering::Relaxed) {
            return None;
        }
        let heard = self.heard.try_read().ok()?;
        (!heard.contains(channel.as_bytes())).then_some(heard)
    }

    /// Waits for the transactions on their way. From then on none has a notice on this channel.
    pub(super) async fn hear(&self, channel: &[u8]) {
        self.heard.write().await.insert(channel.to_vec());
    }
}

impl Connection {
    /// Finds out whether this user may use transactions, by an empty one.
    pub(crate) async fn learn_transactions(&self) -> Result<()> {
        let request = Request::Transaction(transaction([]));
        let answer = self.request(&request, Effect::Read, self.deadline()).await;
        let answer = answer.map_err(|failed| failed.into_error(Effect::Read))?;
        let offered = matches!(answer, Value::Array(answers) if matches!(answers.last(), Some(Value::Array(_))));
        self.shared.transactions.allowed.store(offered, Ordering::Relaxed);
        Ok(())
    }

    /// Sends a command that writes and a notice of it, which takes effect with it or not at all, and at the same moment.
    pub(crate) async fn write_and_tell<T: FromRedisValue>(
        &self,
        cmd: Cmd,
        channel: &str,
        message: &str,
    ) -> Result<Transaction<T>> {
        let transactions = &self.shared.transactions;
        let Some(_unheard) = transactions.unheard(channel) else {
            return Ok(Transaction::NotOffered);
        };
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(channel).arg(message);
        let request = Request::Transaction(transaction([cmd, publish]));
        let answer = self.request(&request, Effect::Write, self.deadline()).await;
        let answer = answer.map_err(|failed| failed.into_error(Effect::Write))?;
        let (done, forbidden) = outcome(answer)?;
        if forbidden {
            transactions.allowed.store(false, Ordering::Relaxed);
        }
        Ok(match done {
            Transaction::Done(value) => Transaction::Done(parsed(value, Effect::Write)?),
            Transaction::NotOffered => Transaction::NotOffered,
        })
    }
}

/// Not the driver's own: that one counts wrong when `MULTI` itself is refused.
fn transaction<const N: usize>(cmds: [Cmd; N]) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(N + 2);
    pipeline.add_command(redis::cmd("MULTI"));
    for cmd in cmds {
        pipeline.add_command(cmd);
    }
    pipeline.add_command(redis::cmd("EXEC"));
    pipeline
}

/// The answers of a transaction, unless the server refused the write itself: that is its error. Nothing was done then.
pub(super) fn unless_refused(answers: Vec<Value>) -> RedisResult<Value> {
    match answers.get(1) {
        Some(write @ Value::ServerError(_)) if answers.len() == 4 => write.clone().extract_error(),
        _ => Ok(Value::Array(answers)),
    }
}

/// What the answers to `MULTI`, a write that was not refused, `PUBLISH` and `EXEC` say: what was done, and whether the
/// user may not use one of the others.
fn outcome(answer: Value) -> Result<(Transaction<Value>, bool)> {
    let unclear = || unexpected_reply().with_may_have_applied(true);
    let Value::Array(answers) = answer else { return Err(unclear()) };
    let answers: [Value; 4] = answers.try_into().map_err(|_| unclear())?;
    let forbidden = answers.iter().any(is_forbidden);
    let [multi, write, _, exec] = answers;
    match (multi, exec) {
        (_, Value::Array(results)) => match <[Value; 2]>::try_from(results) {
            Ok([write, _]) => {
                let write =
                    write.extract_error().map_err(|error| redis_error(error, Effect::Write))?;
                Ok((Transaction::Done(write), forbidden))
            }
            Err(_) => Err(unclear()),
        },
        // Not begun, so the write was done by itself. What forbids that came after the connection was made.
        (Value::ServerError(_), _) => Ok((Transaction::Done(write), true)),
        (_, Value::ServerError(_)) => Ok((Transaction::NotOffered, forbidden)),
        _ => Err(unclear()),
    }
}

/// Whether an answer says that the user may not use the command, or that the server has none of that name.
fn is_forbidden(answer: &Value) -> bool {
    let Value::ServerError(error) = answer else { return false };
    let says = error.details().is_some_and(|details| details.contains("NOPERM"));
    matches!(error.code(), "NOPERM" | "ERR") || says
}

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod tests;
