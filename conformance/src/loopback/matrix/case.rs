//! One row of the matrix: an operation and a fault, at every position.

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{ErrorKind, Result};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::act::unset;
use super::judge::Allowed;
use super::run::Tally;
use super::stage::{Stage, patiently};
use super::{Bench, Client, Operation, Strike};
use crate::loopback::Fault;

/// Longer than any time-out of a bench's clients.
const PATIENCE: Duration = Duration::from_secs(20);

/// Operations of this size need no more requests.
const POSITIONS: u64 = 12;

/// A renewal strikes again with the next one, so that positions have no end.
const RENEWALS: u64 = 2;

/// How often a case may meet a renewal.
const RENEWED: u32 = 3;

const UNPERMITTED: &str = "it succeeds without the permission";

/// What strikes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blow<O> {
    Strike(Strike),
    Denied(O),
}

/// An operation, what strikes it, and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<O> {
    pub(super) operation: Operation,
    pub(super) blow: Blow<O>,
    pub(super) times: u64,
}

impl<O: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static> Row<O> {
    /// Runs the cases of this row, on values and locks of their own; failures are told in the tally.
    pub(super) async fn run<B: Bench<Op = O>>(
        &self,
        bench: &B,
        clients: &Clients,
        number: usize,
    ) -> Tally {
        let mut tally = Tally::default();
        if !self.operation.is_offered(&clients.0.capabilities()) {
            return tally;
        }
        let positions = match self.blow {
            Blow::Strike(_) if self.operation == Operation::Renewal => RENEWALS,
            Blow::Strike(_) => POSITIONS,
            Blow::Denied(_) => 1,
        };
        for position in 0..positions {
            let name = format!("row{number}-{position}");
            let mut judged = self.set_and_run(bench, clients, &name, position).await;
            for again in 1..RENEWED {
                if !self.may_have_struck_a_renewal(&judged) {
                    break;
                }
                judged =
                    self.set_and_run(bench, clients, &format!("{name}-{again}"), position).await;
            }
            tally.cases += 1;
            match judged {
                Ok(true) => tally.struck += 1,
                Ok(false) => break,
                Err(failure) => {
                    let often = if self.times == 1 { "once" } else { "for good" };
                    tally.failures.push(format!(
                        "{:?} {:?} from request {position} on, {often}: {failure}",
                        self.operation, self.blow
                    ));
                }
            }
        }
        tally
    }

    async fn set_and_run<B: Bench<Op = O>>(
        &self,
        bench: &B,
        clients: &Clients,
        name: &str,
        position: u64,
    ) -> Result<bool, String> {
        let stage = patiently(async || {
            let clients = (Arc::clone(&clients.0), Arc::clone(&clients.1));
            Stage::set(clients.0, clients.1, self.operation, name).await
        });
        match stage.await {
            Ok(stage) => self.case(bench, stage, position).await,
            Err(error) => Err(format!("the stage is not set: {error:?}")),
        }
    }

    /// Where a lock is held, its renewal may be all that was struck. That does not happen again and again.
    fn may_have_struck_a_renewal(&self, judged: &Result<bool, String>) -> bool {
        self.operation.is_under_a_lock()
            && judged.as_ref().is_err_and(|failure| failure == UNPERMITTED)
    }

    /// Whether the fault struck.
    async fn case<B: Bench<Op = O>>(
        &self,
        bench: &B,
        mut stage: Stage,
        position: u64,
    ) -> Result<bool, String> {
        let (secrets, (words, others)) = (bench.secrets(), self.words(bench));
        let fault = match self.blow {
            Blow::Strike(strike) => {
                let Some(effect) = bench.effect(strike) else { return Ok(false) };
                let fault = Fault::new(effect).skip(position).times(self.times);
                if strike.is_conditional() { fault.conditional() } else { fault }
            }
            Blow::Denied(op) => Fault::new(bench.denied()).on(op).times(self.times),
        };
        let armed = bench.arm(fault);
        let ending = timeout(PATIENCE, stage.act(self.operation, &armed)).await;
        bench.lift();
        let ending = ending.map_err(|_| "it hangs".to_owned())?;
        let struck = armed.fired() > 0;
        let allowed = Allowed {
            kinds: match (struck, self.blow) {
                (false, _) => &[],
                (true, Blow::Strike(strike)) => strike.kinds(),
                (true, Blow::Denied(_)) => &[ErrorKind::PermissionDenied],
            },
            words: &words,
            others: &others,
            secrets: &secrets,
            nameless: matches!(self.blow, Blow::Strike(Strike::AgainstItself))
                && bench.is_nameless(self.operation),
            definite: match self.blow {
                Blow::Strike(strike) => strike.is_definite(),
                Blow::Denied(_) => true,
            },
            untouched: match self.blow {
                Blow::Strike(strike) => {
                    strike.does_nothing()
                        && !strike.is_conditional()
                        && (position, self.times) == (0, u64::MAX)
                }
                Blow::Denied(_) => false,
            },
        };
        allowed.judge(&mut stage, self.operation, &ending).await?;
        if let Blow::Denied(op) = self.blow
            && struck
            && ending.is_ok()
            // That the lock is lost, or not, is all that is told of a renewal.
            && self.operation != Operation::Renewal
            && !bench.does_without(self.operation, op)
        {
            return Err(UNPERMITTED.to_owned());
        }
        Ok(struck)
    }

    /// What an error's text must have, and what it must not.
    fn words<B: Bench<Op = O>>(&self, bench: &B) -> (String, Vec<String>) {
        let Blow::Denied(op) = self.blow else { return (String::new(), Vec::new()) };
        let missing = bench.permission(op);
        let mut possible = bench.also_possible(op);
        possible.push(missing.clone());
        let mut others: Vec<String> =
            bench.calls().into_iter().map(|op| bench.permission(op)).collect();
        others.retain(|other| !possible.iter().any(|possible| possible.contains(other)));
        (missing, others)
    }
}

/// The client that is struck, and the one that looks.
pub(super) type Clients = (Client, Client);

/// Two clients that have tried out the server. They are made by turns of `opening`: all at once, they would take each
/// other's time.
pub(super) async fn open<B: Bench>(
    bench: &B,
    namespace: &str,
    opening: &Semaphore,
) -> Result<Clients> {
    let turn = opening.acquire().await.map_err(|_| unset())?;
    let one = async || bench.open(namespace).await;
    let clients = (patiently(one).await?, patiently(one).await?);
    for client in [&clients.0, &clients.1] {
        patiently(async || client.lock(&"warm".parse()?).await?.unlock().await).await?;
    }
    drop(turn);
    Ok(clients)
}
