//! Locks: doing the operation, and looking for a second holder.

use std::time::Duration;

use certstore_core::{Error, ErrorKind, FencingToken, Lock};
use tokio::time::timeout;

use super::Operation;
use super::act::{Answer, Ending, unset};
use super::stage::{Stage, patiently};
use crate::loopback::ArmedFault;

/// A lease, a poll, and time for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a guard is looked at while a renewal is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// So many renewals without the fault: it strikes none.
const ENOUGH: u32 = 2;

type Verdict<T = ()> = Result<T, String>;

impl Stage {
    pub(super) async fn act_on_lock(&mut self, operation: Operation, fault: &ArmedFault) -> Ending {
        match operation {
            Operation::Lock => self.guard = Some(self.storage.lock(&self.lock).await?),
            Operation::TryLock => {
                self.guard = self.storage.try_lock(&self.lock).await?;
                if self.guard.is_none() {
                    return Ok(Answer::Wrong("nobody holds the lock, and it is refused".into()));
                }
            }
            Operation::Renewal => renewed(self.guard.as_ref().ok_or_else(unset)?, fault).await,
            Operation::Unlock => self.guard.take().ok_or_else(unset)?.unlock().await?,
            Operation::Locks => {
                let token = self.held.as_ref().map(Lock::token);
                let found = self.storage.locks().await?;
                let shown = |name: &str| name == self.lock.as_str();
                if !found.iter().any(|lock| shown(&lock.name) && lock.token == token) {
                    return Ok(Answer::Wrong(format!("{found:?} without the one that is held")));
                }
            }
            Operation::BreakLock => {
                let token = self.held.as_ref().ok_or_else(unset)?.token();
                self.storage.break_lock(&self.lock, token).await?;
            }
            _ => return Err(unset()),
        }
        Ok(Answer::Right)
    }

    /// Who holds the lock once the operation is over, and who can have it.
    /// `told`: an error says that the lock may be broken all the same.
    pub(super) async fn judge_lock(
        &mut self,
        operation: Operation,
        ending: &Ending,
        told: bool,
    ) -> Verdict {
        match (operation, self.guard.take(), self.held.take()) {
            (Operation::Locks, _, Some(held)) => released(held).await.map(drop),
            (Operation::BreakLock, _, Some(held)) => self.judge_broken(held, ending, told).await,
            (Operation::Unlock, None, _) if ending.is_ok() => self.is_free(None).await,
            (_, Some(guard), _) => self.judge_holder(guard).await,
            (_, None, _) => self.is_freed(None).await,
        }
    }

    /// Nobody else gets what `guard` holds; it is given back, and then the next one gets it.
    async fn judge_holder(&self, guard: Lock) -> Verdict {
        let token = Some(guard.token());
        let tried = patiently(async || self.observer.try_lock(&self.lock).await).await;
        let tried = said("the other's try_lock", tried)?;
        let holds = guard.check().is_ok();
        match (tried, holds) {
            (Some(_), true) => Err("two hold the lock".to_owned()),
            (None, true) => {
                if released(guard).await? {
                    self.is_free(token).await
                } else {
                    self.is_freed(token).await
                }
            }
            (Some(next), false) => {
                released(next).await?;
                refuses_as_lost(guard.unlock().await)
            }
            (None, false) => {
                drop(guard);
                self.is_freed(token).await
            }
        }
    }

    /// The lock was broken, or the error says that it may have been, or its holder still has it.
    async fn judge_broken(&self, held: Lock, ending: &Ending, told: bool) -> Verdict {
        if ending.is_ok() {
            let tried = patiently(async || self.storage.try_lock(&self.lock).await).await;
            let tried = said("try_lock", tried)?;
            let next = tried.ok_or("the broken lock is not free")?;
            refuses_as_lost(held.unlock().await)?;
            next.check().map_err(|error| format!("the next holder lost the lock: {error:?}"))?;
            return released(next).await.map(drop);
        }
        if told {
            // It is lost, or not.
            let _ = held.unlock().await;
        } else {
            released(held).await?;
        }
        self.is_freed(None).await
    }

    /// The next one gets the lock at once, with a higher token.
    async fn is_free(&self, before: Option<FencingToken>) -> Verdict {
        let tried = patiently(async || self.observer.try_lock(&self.lock).await).await;
        let next = said("the next try_lock", tried)?.ok_or("what was unlocked is not free")?;
        grew(before, &next)?;
        released(next).await.map(drop)
    }

    /// The next one gets the lock within a lease.
    async fn is_freed(&self, before: Option<FencingToken>) -> Verdict {
        let lock = patiently(async || self.observer.lock(&self.lock).await);
        let locked = timeout(PATIENCE, lock).await;
        let locked = locked.map_err(|_| "the lock stays locked long after its lease")?;
        let next = said("the next lock", locked)?;
        grew(before, &next)?;
        released(next).await.map(drop)
    }
}

/// Waits until the fault has struck and the guard was renewed after that, or is lost; or until renewals go on without it.
async fn renewed(guard: &Lock, fault: &ArmedFault) {
    let (mut last, mut since, mut all) = (guard.remaining(), 0, 0);
    while guard.check().is_ok() && since == 0 && (fault.fired() > 0 || all < ENOUGH) {
        tokio::time::sleep(LOOK).await;
        let left = guard.remaining();
        if left > last {
            all += 1;
            since += u32::from(fault.fired() > 0);
        }
        last = left;
    }
}

/// Whether the lock was given back; where the server was too slow, or the lease has ended, it ends by itself.
async fn released(guard: Lock) -> Verdict<bool> {
    let lost = guard.check().is_err();
    match guard.unlock().await {
        Ok(()) => Ok(true),
        Err(error) if error.is_retryable() => Ok(false),
        // On a busy machine the deadline can come between the two.
        Err(error)
            if error.kind() == ErrorKind::LockLost
                && (lost || error.to_string().contains("not renewed before its deadline")) =>
        {
            Ok(false)
        }
        Err(error) => Err(format!("the holder's unlock: {error:?}")),
    }
}

fn grew(before: Option<FencingToken>, next: &Lock) -> Verdict {
    if before.is_some_and(|before| next.token() <= before) {
        return Err(format!("token {} after {before:?}", next.token()));
    }
    Ok(())
}

fn refuses_as_lost(unlocked: Result<(), Error>) -> Verdict {
    match unlocked {
        Err(error) if error.kind() == ErrorKind::LockLost => Ok(()),
        unlocked => Err(format!("unlocking what was lost: {unlocked:?}")),
    }
}

fn said<T>(what: &str, result: Result<T, Error>) -> Verdict<T> {
    result.map_err(|error| format!("{what}: {error:?}"))
}
