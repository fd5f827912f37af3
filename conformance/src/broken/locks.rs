//! Faults of acquiring, showing and breaking.

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use certstore_core::{
    Capabilities, Error, ErrorKind, FencingToken, Lock, LockInfo, LockName, Locker as _, LockerId,
    Release, Result, Shared, Storage as _, SystemClock, Validity,
};
use tokio::sync::oneshot;

use super::fault::{Fault, Handle, Memory};
use super::guards::{Through, rewrapped};

type Place = (Arc<str>, LockName);

fn place(at: &Handle, name: &LockName) -> Place {
    (at.namespace.clone(), name.clone())
}

/// Counts those who wait for a name.
#[derive(Default)]
pub(super) struct Crowded(Memory<Place, Arc<AtomicUsize>>);

struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Nothing;

#[async_trait]
impl Release for Nothing {
    async fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Fault for Crowded {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        let waiting = self.0.open().entry(place(at, name)).or_default().clone();
        let others = waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(waiting);
        if others >= 5 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let token = FencingToken(u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
            let validity = Validity::unlimited(Arc::new(SystemClock));
            return Ok(Lock::new(
                name.clone(),
                token,
                LockerId::new("crowded"),
                validity,
                Box::new(Nothing),
            ));
        }
        at.inner.lock(name).await
    }
}

#[derive(Default)]
pub(super) struct OwnProcessOnly;

impl Fault for OwnProcessOnly {
    fn capabilities(&self, at: &Handle) -> Capabilities {
        let mut capabilities = at.inner.capabilities();
        capabilities.shared = Shared::Host;
        capabilities
    }
}

/// From a client's third acquisition of a name on.
#[derive(Default)]
pub(super) struct SameToken(Memory<(u64, LockName), (usize, u64)>);

#[async_trait]
impl Fault for SameToken {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        let lock = at.inner.lock(name).await?;
        let token = {
            let mut given = self.0.open();
            let (times, last) = given.entry((at.id, name.clone())).or_default();
            *times += 1;
            if *times < 3 {
                *last = lock.token().0;
            }
            FencingToken(*last)
        };
        let validity = lock.validity().clone();
        Ok(rewrapped(lock, token, validity, |lock| Box::new(Through(lock))))
    }
}

#[derive(Default)]
pub(super) struct RestartsTokens(Memory<String, u64>);

#[async_trait]
impl Fault for RestartsTokens {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        let lock = at.inner.lock(name).await?;
        let restarts = self.0.open().get(&*at.namespace).copied().unwrap_or_default();
        if restarts == 0 {
            return Ok(lock);
        }
        let token = FencingToken(lock.token().0 - restarts * 1_000_000_000);
        let validity = lock.validity().clone();
        Ok(rewrapped(lock, token, validity, |lock| Box::new(Through(lock))))
    }

    fn removed(&self, namespace: &str) {
        *self.0.open().entry(namespace.to_owned()).or_default() += 1;
    }
}

#[derive(Default)]
pub(super) struct KeepsForDropped;

#[async_trait]
impl Fault for KeepsForDropped {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        let (storage, name) = (at.inner.clone(), name.clone());
        let (give, take) = oneshot::channel();
        tokio::spawn(async move {
            let lock = storage.lock(&name).await;
            if let Err(unwanted) = give.send(lock) {
                std::mem::forget(unwanted);
            }
        });
        take.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "the task ended")))
    }
}

#[derive(Default)]
pub(super) struct AsciiNames;

#[async_trait]
impl Fault for AsciiNames {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        if !name.as_str().is_ascii() {
            return Err(Error::new(ErrorKind::InvalidKey, "a lock name is ASCII"));
        }
        at.inner.lock(name).await
    }
}

/// Whether the last holder of a name lives: something that ends with its runtime, and whether it gave the lock back.
type Holder = (Weak<()>, Arc<AtomicBool>);

#[derive(Default)]
pub(super) struct WaitsForDead(Memory<Place, Holder>);

struct Marked {
    lock: Lock,
    released: Arc<AtomicBool>,
}

#[async_trait]
impl Release for Marked {
    async fn release(self: Box<Self>) -> Result<()> {
        self.released.store(true, Ordering::SeqCst);
        self.lock.unlock().await
    }
}

impl WaitsForDead {
    fn last_is_dead(&self, place: &Place) -> bool {
        let last = self.0.open().get(place).cloned();
        last.is_some_and(|(alive, released)| {
            alive.upgrade().is_none() && !released.load(Ordering::SeqCst)
        })
    }
}

#[async_trait]
impl Fault for WaitsForDead {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        let place = place(at, name);
        let lock = at.inner.lock(name).await?;
        if self.last_is_dead(&place) {
            drop(lock);
            return std::future::pending().await;
        }
        let alive = Arc::new(());
        let released = Arc::new(AtomicBool::new(false));
        self.0.open().insert(place, (Arc::downgrade(&alive), released.clone()));
        tokio::spawn(async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        let (token, validity) = (lock.token(), lock.validity().clone());
        Ok(rewrapped(lock, token, validity, |lock| Box::new(Marked { lock, released })))
    }
}

/// The waiters of each client and name, the last one on top.
#[derive(Default)]
pub(super) struct LastFirst {
    waiters: Memory<(u64, LockName), Vec<u64>>,
    tickets: AtomicU64,
}

struct Ticket<'a> {
    fault: &'a LastFirst,
    queue: (u64, LockName),
    number: u64,
}

impl Ticket<'_> {
    fn is_next(&self) -> bool {
        self.fault.waiters.open().get(&self.queue).and_then(|queue| queue.last())
            == Some(&self.number)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.fault.waiters.open().get_mut(&self.queue) {
            queue.retain(|number| *number != self.number);
        }
    }
}

#[async_trait]
impl Fault for LastFirst {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        let (queue, number) = ((at.id, name.clone()), self.tickets.fetch_add(1, Ordering::SeqCst));
        self.waiters.open().entry(queue.clone()).or_default().push(number);
        let ticket = Ticket { fault: self, queue, number };
        loop {
            if ticket.is_next()
                && let Some(lock) = at.inner.try_lock(name).await?
            {
                return Ok(lock);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Who holds each name.
#[derive(Default)]
pub(super) struct TryWaits(Memory<Place, u64>);

#[async_trait]
impl Fault for TryWaits {
    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        let lock = at.inner.lock(name).await?;
        self.0.open().insert(place(at, name), at.id);
        Ok(lock)
    }

    async fn try_lock(&self, at: &Handle, name: &LockName) -> Result<Option<Lock>> {
        let tried = at.inner.try_lock(name).await?;
        let own = self.0.open().get(&place(at, name)) == Some(&at.id);
        if tried.is_none() && own {
            tokio::time::sleep(at.inner.capabilities().lease.unwrap_or_default().mul_f64(0.7))
                .await;
        }
        Ok(tried)
    }
}

#[derive(Default)]
pub(super) struct TryForgets;

#[async_trait]
impl Fault for TryForgets {
    async fn try_lock(&self, at: &Handle, name: &LockName) -> Result<Option<Lock>> {
        at.inner.handle().try_lock(name).await
    }
}

#[derive(Default)]
pub(super) struct NoTokens;

#[async_trait]
impl Fault for NoTokens {
    async fn locks(&self, at: &Handle) -> Result<Vec<LockInfo>> {
        let mut locks = at.inner.locks().await?;
        for info in &mut locks {
            info.token = None;
        }
        Ok(locks)
    }
}

#[derive(Default)]
pub(super) struct BreaksAny;

#[async_trait]
impl Fault for BreaksAny {
    async fn break_lock(&self, at: &Handle, name: &LockName, token: FencingToken) -> Result<()> {
        let held = at.inner.locks().await?.into_iter().find(|info| info.name == name.as_str());
        let token = held.and_then(|info| info.token).unwrap_or(token);
        at.inner.break_lock(name, token).await
    }
}
