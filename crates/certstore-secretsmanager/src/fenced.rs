//! Writes under a lock: refused once a newer holder has written, by the stamp in the version's id.

use certstore_core::{Condition, Error, ErrorKind, Key, Lock, Result, Version, Versioned};
use certstore_objects::fenced;

use crate::declared;
use crate::error::conflict;
use crate::secrets::Body;
use crate::vault::Vault;
use crate::versions::{self, FenceStamp};

/// How often a write that met another one of the same lock is tried.
const ATTEMPTS: usize = 4;

/// What a fenced call does to the value once it may.
enum Effect {
    /// One version for all tries: one that went through although its reply was lost is not written twice.
    Store(String, Body),
    Delete,
}

impl Vault {
    pub(crate) async fn store_fenced(
        &self,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        guard.check()?;
        declared::check_size(value)?;
        let secret = self.home(key).await?;
        let stamp = FenceStamp::of(guard);
        let (id, body) = declared::version_of(value, Some(&stamp));
        self.fenced(&secret, &stamp, guard, &Effect::Store(id.clone(), body)).await?;
        Ok(Version::new(id))
    }

    /// The value, if a write under this lock may follow.
    pub(crate) async fn load_under(&self, key: &Key, guard: &Lock) -> Result<Option<Versioned>> {
        guard.check()?;
        let Some(found) = self.load(&self.home(key).await?).await? else { return Ok(None) };
        if versions::stamp(&found.id).is_some_and(|found| found.refuses(&FenceStamp::of(guard))) {
            return Err(fenced());
        }
        let version = Version::new(found.id.as_str());
        Ok(Some(Versioned { value: declared::value(found), version }))
    }

    pub(crate) async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        guard.check()?;
        let secret = self.home(key).await?;
        self.fenced(&secret, &FenceStamp::of(guard), guard, &Effect::Delete).await
    }

    /// Looks at the stamp, then writes on the version that was looked at.
    async fn fenced(
        &self,
        secret: &str,
        stamp: &FenceStamp,
        guard: &Lock,
        effect: &Effect,
    ) -> Result<()> {
        let mut refused = false;
        for _ in 0..ATTEMPTS {
            let head = self.head(secret).await?;
            // Nothing to delete, or not any more.
            if head.is_none() && matches!(effect, Effect::Delete) {
                return Ok(());
            }
            let found = head.as_ref().and_then(|head| versions::stamp(&head.version));
            if found.is_some_and(|found| found.refuses(stamp)) {
                return Err(fenced());
            }
            if refused && !found.is_some_and(|found| found.is_same_lock(stamp)) {
                return Err(conflict());
            }
            guard.check()?;
            let done = match (effect, head) {
                (Effect::Store(id, body), head) => {
                    let condition = head.map_or(Condition::Absent, |head| {
                        Condition::Version(Version::new(head.version))
                    });
                    self.put_if(secret, id, body, &condition).await?
                }
                (Effect::Delete, Some(head)) => self.bury_if(secret, &head.version).await?,
                (Effect::Delete, None) => true,
            };
            if done {
                return Ok(());
            }
            refused = true;
        }
        let message = "other writers came between again and again; read the value and try again";
        Err(Error::new(ErrorKind::Conflict, message))
    }
}
