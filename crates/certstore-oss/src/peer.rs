//! Locks as certmagic-oss keeps them: an object that only one can create, as long as it is there.
//!
//! Whoever finds it older than its expiry deletes it and creates it anew, in two steps: two who do so at once can both
//! succeed, and a holder who was slow is not told. That is the weakness of it, and no client can mend it alone. What ours
//! does is to rewrite the object every third of its lease, so that nobody takes it for dead while it lives, and to take
//! another's for dead only a minute after the expiry that both are set to. Age is told by the server's own dates, of one
//! and the same reply. The object holds our record; that of the others is empty, and nobody of them reads it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::{Claim, Record, Register, State, Stored, Swap};
use certstore_core::{Dir, Error, ErrorKind, Result, Version};
use certstore_objects::ObjectStore as _;

use crate::bucket::{Bucket, Done, Head, NO_CREATE, Object};
use crate::error::BACKEND;
use crate::names::{Names, PEER_LOCK};

/// How much longer than the expiry a lock is respected, also one of ours whose process died.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// The longest lock object that is read, in bytes.
const MAX_LOCK: u64 = 64 << 10;

/// How often a lock is tried that goes away under our hands.
const TRIES: usize = 3;

/// Who holds a lock that has no record of ours.
const PEER: &str = "Caddy, or another program without a record here";

/// The locks under one prefix.
pub(crate) struct PeerRegister {
    bucket: Arc<Bucket>,
    names: Names,
    expiration: Duration,
    /// What a delete was to leave whose reply did not come: nothing at the name then means that it was done.
    freed: Mutex<HashMap<String, Record>>,
}

impl PeerRegister {
    pub(crate) fn new(bucket: Arc<Bucket>, names: Names, expiration: Duration) -> Self {
        Self { bucket, names, expiration, freed: Mutex::default() }
    }

    async fn found(&self, object: &str) -> Result<Option<Object>> {
        let found = self.bucket.get(object, MAX_LOCK).await?;
        // Written since the bucket keeps versions, and so perhaps over another's.
        if found.as_ref().is_some_and(|lock| lock.head.is_version) {
            return Err(Error::unsupported(NO_CREATE).with_backend(BACKEND));
        }
        Ok(found)
    }

    fn freed(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        // Single inserts and removes: whole after any panic.
        self.freed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the lock is still respected.
    fn left(&self, lock: &Object) -> Duration {
        let age = lock.head.date.zip(lock.head.modified);
        // Without both dates nothing is known, and it stays.
        let age =
            age.map_or(Duration::ZERO, |(now, then)| now.duration_since(then).unwrap_or_default());
        self.expiration.saturating_add(GRACE).saturating_sub(age)
    }

    async fn create(&self, object: &str, record: &Record) -> Result<bool> {
        let created = self.bucket.create(object, Bytes::from(record.encode())).await;
        // It wrote over what was there: found again, that must not pass for a lock.
        let created = created.map_err(|error| match error.kind() {
            ErrorKind::Unsupported => error.with_may_have_applied(false),
            _ => error,
        })?;
        Ok(matches!(created, Done::Yes(_)))
    }
}

/// Stands for a lock object that was gone before it could be looked at.
fn nobody() -> Object {
    let head = Head {
        etag: String::new(),
        size: 0,
        modified: None,
        date: None,
        checksum: None,
        appendable: false,
        is_version: false,
    };
    Object { head, body: Bytes::new() }
}

/// What lies at a lock: our record, or what stands for somebody else.
fn judged(name: &str, lock: &Object) -> Result<Stored> {
    let text = std::str::from_utf8(&lock.body).ok().filter(|text| !text.is_empty());
    if let Some(record) = text.and_then(|text| Record::decode(text).ok()) {
        let version = Version::new(format!("{:032x}", record.write));
        return Ok(Stored { record, version });
    }
    let text = format!(
        "certstore-lock 1\nname -\nstate held\nowner 0\nwrite 0\ntoken 0\nspan 1\nseq 0\nlease_ms 60000\ncreated_us 0\n\
         updated_us 0\nholder {PEER}\n"
    );
    let mut record = Record::decode(&text)?;
    name.clone_into(&mut record.name);
    let modified = lock.head.modified.map(httpdate::fmt_http_date).unwrap_or_default();
    let version = Version::new(format!("foreign {} {modified}", lock.head.etag));
    Ok(Stored { record, version })
}

#[async_trait]
impl Register for PeerRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        match self.found(&self.names.peer_lock(name)?).await? {
            Some(lock) => judged(name, &lock).map(Some),
            None => Ok(self.freed().get(name).map(|record| Stored {
                version: Version::new(format!("{:032x}", record.write)),
                record: record.clone(),
            })),
        }
    }

    /// Rewrites and deletes what was found to be our own a moment before; nothing closer is there.
    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let object = self.names.peer_lock(name)?;
        let current = self.read(name).await?.map(|stored| stored.version);
        if expected.is_none() || current.as_ref() != expected {
            return Ok(Swap::Conflict);
        }
        if record.state == State::Held {
            self.bucket.put_once(&object, Bytes::from(record.encode())).await?;
        } else {
            self.freed().insert(name.to_owned(), record.clone());
            self.bucket.delete_once(&object).await?;
            self.freed().remove(name);
        }
        Ok(Swap::Done(Version::new(format!("{:032x}", record.write))))
    }

    fn server_clock(&self) -> bool {
        true
    }

    async fn claim(&self, name: &str, record: &Record) -> Result<Claim> {
        let object = self.names.peer_lock(name)?;
        self.freed().remove(name);
        let mut held = judged(name, &nobody())?;
        for _ in 0..TRIES {
            if self.create(&object, record).await? {
                let version = Version::new(format!("{:032x}", record.write));
                return Ok(Claim::Granted(Stored { record: record.clone(), version }));
            }
            let Some(lock) = self.found(&object).await? else { continue };
            let (by, left) = (judged(name, &lock)?, self.left(&lock));
            if !left.is_zero() {
                return Ok(Claim::Held { by, left });
            }
            tracing::warn!(
                lock = name,
                holder = by.record.holder.name,
                "a lock that is long out of date is removed"
            );
            self.bucket.delete_once(&object).await?;
            held = by;
        }
        // It came and went under our hands: others have it, one after the other.
        Ok(Claim::Held { by: held, left: Duration::from_millis(1) })
    }

    /// All locks, the others' too: they lie among the values, so all names are gone through.
    async fn names(&self) -> Result<Vec<String>> {
        let objects = self.bucket.all(&self.names.objects.below(&Dir::ROOT)).await?;
        let names = objects.iter().filter_map(|object| {
            let name = self.names.objects.relative(object)?.strip_suffix(PEER_LOCK)?;
            (!name.is_empty()).then(|| name.to_owned())
        });
        Ok(names.collect())
    }
}
