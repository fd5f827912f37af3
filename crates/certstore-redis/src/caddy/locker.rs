//! Locks that exclude the plugin's holders, and are excluded by them.

use async_trait::async_trait;
use certstore_core::lease::{Register as _, State};
use certstore_core::{
    Error, ErrorKind, FencingToken, Lock, LockInfo, LockName, Locker, Release, Result,
};

use super::names::Names;
use super::register::{PEER, is_foreign};
use super::storage::CaddyStorage;
use crate::error::BACKEND;

/// The name as the plugin's paths make it.
fn clean(operation: &'static str, name: &LockName) -> Result<LockName> {
    Names::clean_lock(name).map_err(|error| on(operation, name)(error))
}

fn on<'a>(operation: &'static str, name: &'a LockName) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_lock(name).with_backend(BACKEND)
}

/// A guard under the name that was asked for, where the plugin's paths make another one of it.
fn named(lock: Lock, name: &LockName) -> Lock {
    if lock.name() == name {
        return lock;
    }
    let (token, locker, validity) =
        (lock.token(), lock.locker_id().clone(), lock.validity().clone());
    Lock::new(name.clone(), token, locker, validity, Box::new(Inner(lock)))
}

/// The guard within.
struct Inner(Lock);

#[async_trait]
impl Release for Inner {
    async fn release(self: Box<Self>) -> Result<()> {
        self.0.unlock().await
    }
}

#[async_trait]
impl Locker for CaddyStorage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        let clean = clean("lock", name)?;
        Ok(named(self.locker.lock(&clean).await?, name))
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        let clean = clean("try lock", name)?;
        Ok(self.locker.try_lock(&clean).await?.map(|lock| named(lock, name)))
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        let told = |error: Error| error.with_operation("list the locks").with_backend(BACKEND);
        let register = self.locker.register();
        let mut locks = Vec::new();
        for name in register.names().await.map_err(told)? {
            let stored = match register.read(&name).await {
                Ok(Some(stored)) if stored.record.state == State::Held => stored,
                Ok(_) => continue,
                // One damaged record must not hide the others.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(lock = name, %error, "a lock record cannot be read");
                    continue;
                }
                Err(error) => return Err(told(error)),
            };
            let mut info = LockInfo::new(name);
            if is_foreign(&stored) {
                info.holder = Some(PEER.to_owned());
            } else {
                info.token = Some(FencingToken(stored.record.token));
                info.holder = Some(stored.record.holder.name);
                info.since = Some(stored.record.holder.created);
                info.renewed = Some(stored.record.holder.updated);
            }
            locks.push(info);
        }
        Ok(locks)
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        let clean = clean("break lock", name)?;
        let held = self.locker.register().read(clean.as_str()).await;
        if held.map_err(on("break lock", name))?.is_some_and(|stored| is_foreign(&stored)) {
            let message = "a Caddy node holds this lock, without a token; once it is dead, the lock ends by itself \
                           within 5 s";
            return Err(on("break lock", name)(Error::new(ErrorKind::Conflict, message)));
        }
        self.locker.break_lock(&clean, token).await
    }
}
