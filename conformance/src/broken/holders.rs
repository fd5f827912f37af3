//! Faults that a holder meets: of releases and of losses.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_core::{
    Lock, LockName, Locker as _, LostReason, MemoryStorage, Release, Result, Standing, Storage as _,
};

use super::fault::{Fault, Handle};
use super::guards::{Follow, Gone, Through, followed, rewrapped};

/// A fault whose guards are changed, however they were acquired.
macro_rules! changed_guard {
    ($fault:ident, $change:expr) => {
        #[derive(Default)]
        pub(super) struct $fault;

        #[async_trait]
        impl Fault for $fault {
            async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
                let change: fn(&Handle, Lock) -> Lock = $change;
                at.inner.lock(name).await.map(|lock| change(at, lock))
            }

            async fn try_lock(&self, at: &Handle, name: &LockName) -> Result<Option<Lock>> {
                let change: fn(&Handle, Lock) -> Lock = $change;
                at.inner.try_lock(name).await.map(|lock| lock.map(|lock| change(at, lock)))
            }
        }
    };
}

changed_guard!(DropOutside, |_, lock| {
    let (validity, gone) = followed(&lock, Follow::All);
    let token = lock.token();
    rewrapped(lock, token, validity, |lock| Box::new(InsideOnly { lock, gone }))
});
changed_guard!(StopsWithCaller, |_, lock| {
    let (validity, gone) = followed(&lock, Follow::All);
    let token = lock.token();
    rewrapped(lock, token, validity, |lock| Box::new(WhileWanted { lock, gone }))
});
changed_guard!(HidesBreak, |_, lock| {
    let (validity, _) = followed(&lock, Follow::DeadlineOnly);
    let token = lock.token();
    rewrapped(lock, token, validity, |lock| Box::new(Through(lock)))
});
changed_guard!(LostUnsaid, |_, lock| {
    let (validity, _) = followed(&lock, Follow::NoDeadlineSignal);
    let token = lock.token();
    rewrapped(lock, token, validity, |lock| Box::new(Through(lock)))
});
changed_guard!(UnlocksLater, |at, lock| {
    let (token, validity) = (lock.token(), lock.validity().clone());
    let storage = at.inner.clone();
    rewrapped(lock, token, validity, |lock| Box::new(Later { lock, storage }))
});
changed_guard!(FreesOthers, |at, lock| {
    let (token, validity) = (lock.token(), lock.validity().clone());
    let storage = at.inner.clone();
    rewrapped(lock, token, validity, |lock| Box::new(Everybodys { lock, storage }))
});
changed_guard!(NotRenewed, |at, lock| {
    let (name, token, storage) = (lock.name().clone(), lock.token(), at.inner.clone());
    let lease = at.inner.capabilities().lease.unwrap_or_default();
    tokio::spawn(async move {
        tokio::time::sleep(lease.mul_f64(1.5)).await;
        // It may have been given back long ago.
        drop(storage.break_lock(&name, token).await);
    });
    lock
});

struct InsideOnly {
    lock: Lock,
    gone: Arc<Gone>,
}

#[async_trait]
impl Release for InsideOnly {
    async fn release(self: Box<Self>) -> Result<()> {
        // The guard's fields go just after its release was started.
        tokio::time::sleep(Duration::from_millis(10)).await;
        if self.gone.outside() {
            std::mem::forget(self.lock);
            return Ok(());
        }
        self.lock.unlock().await
    }
}

struct WhileWanted {
    lock: Lock,
    gone: Arc<Gone>,
}

#[async_trait]
impl Release for WhileWanted {
    async fn release(self: Box<Self>) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(4)).await;
        let unlocking = !self.gone.anywhere();
        tokio::time::sleep(Duration::from_millis(25)).await;
        if unlocking && self.gone.anywhere() {
            std::mem::forget(self.lock);
            return Ok(());
        }
        self.lock.unlock().await
    }
}

struct Later {
    lock: Lock,
    storage: MemoryStorage,
}

#[async_trait]
impl Release for Later {
    async fn release(self: Box<Self>) -> Result<()> {
        let token = Some(self.lock.token());
        let held = self.storage.locks().await?.into_iter().any(|info| info.token == token);
        if !held {
            // What was lost is refused at once.
            return self.lock.unlock().await;
        }
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            drop(self.lock.unlock().await);
        });
        Ok(())
    }
}

struct Everybodys {
    lock: Lock,
    storage: MemoryStorage,
}

#[async_trait]
impl Release for Everybodys {
    async fn release(self: Box<Self>) -> Result<()> {
        let (name, standing) = (self.lock.name().clone(), self.lock.validity().standing());
        let unlocked = self.lock.unlock().await;
        // Only after a break: a holder that woke too late is LOCK-9's.
        if unlocked.is_err() && standing != Standing::Lost(LostReason::Deadline) {
            for info in self.storage.locks().await? {
                if let (true, Some(token)) = (info.name == name.as_str(), info.token) {
                    self.storage.break_lock(&name, token).await?;
                }
            }
        }
        unlocked
    }
}
