//! The probe: does the store keep what S3 promises of conditional requests? Some compatible ones ignore conditions and
//! say "done", and then two holders of one lock would each believe to be alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, OsRandom, Random, Result};
use certstore_objects::{Access, ObjectNames, silence};

use crate::bucket::{Bucket, Done, Got, When};
use crate::error::{Answer, BACKEND, answered};
use crate::proof::Need;
use crate::race::Contest;

/// How often many write at once.
const ROUNDS: usize = 4;

/// How often a request, or a round, is tried that the store had no answer to: some fail on many of those that meet.
const ATTEMPTS: u32 = 12;

/// The longest wait before the next try.
const LONGEST_BACK_OFF: Duration = Duration::from_millis(400);

/// How long the first of them waits for the next one.
const BACK_OFF: Duration = Duration::from_millis(50);

/// What the store was found to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeReport {
    /// Whether `If-Match` takes the ETag in quotation marks, as the standard says; some stores want it bare.
    pub quoted_etags: bool,
    /// What is wrong with create-only writes; `None`: nothing.
    pub create: Option<String>,
    /// What is wrong with writes on a version; `None`: nothing.
    pub update: Option<String>,
    /// What is wrong with deletes on a version; `None`: nothing.
    pub delete: Option<String>,
}

impl ProbeReport {
    /// Whether locks are safe on this store.
    #[must_use]
    pub fn can_lock(&self) -> bool {
        self.fault(Need::Update).is_none()
    }

    pub(crate) fn fault(&self, need: Need) -> Option<&str> {
        let update = || self.create.as_deref().or(self.update.as_deref());
        match need {
            Need::Create => self.create.as_deref(),
            Need::Update => update(),
            Need::Delete => update().or(self.delete.as_deref()),
        }
    }
}

/// Why a check ended: the store is at fault, or could not be asked.
pub(crate) enum Stop {
    Fault(String),
    /// It was asked, and had no time to answer: worth another try, and no finding.
    Again(Error),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

pub(crate) type Check<T = ()> = std::result::Result<T, Stop>;

pub(crate) fn fault<T>(what: impl Into<String>) -> Check<T> {
    Err(Stop::Fault(what.into()))
}

/// The longest object of the probe's that is read, in bytes.
const MAX_BODY: u64 = 1 << 10;

/// Tries the store out under a name of its own and removes what it wrote, in three times the time of a request.
///
/// # Errors
/// The store could not be asked, or had no time to answer.
pub(crate) async fn run(bucket: &Bucket, names: &ObjectNames) -> Result<ProbeReport> {
    let dir = names.probe(OsRandom.next_u128());
    let probe = Probe { bucket, dir: &dir, written: Mutex::new(Vec::new()) };
    let limit = bucket.timeout * 2;
    let outcome = tokio::time::timeout(limit, probe.all()).await;
    let outcome = outcome.unwrap_or_else(|_| Err(silence::too_late(BACKEND, limit, Access::Read)));
    let clean = bucket.within(Access::Write, bucket.delete_each(probe.written())).await;
    if let Err(error) = clean {
        tracing::warn!(%dir, %error, "the probe's objects could not be deleted; delete them by hand");
    }
    let report = outcome?;
    if !report.can_lock() {
        tracing::warn!(?report, "this store cannot be locked safely");
    }
    Ok(report)
}

/// What a request of the probe does.
#[derive(Clone, Copy)]
pub(crate) enum Act<'a> {
    Put(&'a str),
    Delete,
}

pub(crate) struct Probe<'a> {
    bucket: &'a Bucket,
    dir: &'a str,
    /// All names that were used.
    written: Mutex<Vec<String>>,
}

impl Probe<'_> {
    pub(crate) fn object(&self, name: &str) -> String {
        let object = format!("{}{name}", self.dir);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !written.contains(&object) {
            written.push(object.clone());
        }
        object
    }

    fn written(&self) -> Vec<String> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn all(&self) -> Result<ProbeReport> {
        let mut report =
            ProbeReport { quoted_etags: true, create: None, update: None, delete: None };
        report.create = found(self.create().await)?.1;
        if report.create.is_none() {
            let (quoted, fault) = found(self.update().await)?;
            (report.quoted_etags, report.update) = (quoted.unwrap_or(true), fault);
        }
        if report.can_lock() {
            report.delete = found(self.delete(report.quoted_etags).await)?.1;
        }
        Ok(report)
    }

    async fn create(&self) -> Check {
        let one = self.object("one");
        match self.put(&one, "first", &When::Absent).await? {
            Done::Yes(()) => {}
            Done::No(answer) => return fault(format!("it refuses to create an object ({answer})")),
        }
        if let Done::Yes(()) = self.put(&one, "second", &When::Absent).await? {
            return fault("a create-only write (If-None-Match: *) wrote over an object");
        }
        self.stands(&one, "first", "a create-only write that was refused").await?;
        for round in 0..ROUNDS {
            self.race(Contest::Create(round)).await?;
        }
        Ok(())
    }

    /// Whether ETags stand in quotation marks.
    async fn update(&self) -> Check<bool> {
        let one = self.object("one");
        let first = self.etag(&one).await?;
        let mut quoted = true;
        if let Done::No(answer) = self.put(&one, "second", &matches(&first, true)).await? {
            quoted = false;
            if let Done::No(_) = self.put(&one, "second", &matches(&first, false)).await? {
                return fault(format!(
                    "it refuses a write on the right version (If-Match; {answer})"
                ));
            }
        }
        for wrong in [first.as_str(), "00000000000000000000000000000000"] {
            if let Done::Yes(()) = self.put(&one, "third", &matches(wrong, quoted)).await? {
                return fault("a write on another version (If-Match) went through");
            }
            self.stands(&one, "second", "a write on another version that was refused").await?;
        }
        let missing = self.object("missing");
        if let Done::Yes(()) = self.put(&missing, "third", &matches(&first, quoted)).await? {
            return fault("a write on a version (If-Match) created an object");
        }
        self.put(&self.object("update"), "before", &When::Always).await?;
        for _ in 0..ROUNDS {
            self.race(Contest::Update { quoted }).await?;
        }
        Ok(quoted)
    }

    async fn delete(&self, quoted: bool) -> Check {
        let one = self.object("one");
        let etag = self.etag(&one).await?;
        let wrong = matches("00000000000000000000000000000000", quoted);
        if let Done::Yes(()) = self.settled(&one, Act::Delete, &wrong).await? {
            return fault("a delete on another version (If-Match) went through, or says so");
        }
        self.stands(&one, "second", "a delete on another version that was refused").await?;
        match self.settled(&one, Act::Delete, &matches(&etag, quoted)).await? {
            Done::Yes(()) if self.body(&one).await?.is_none() => {}
            Done::Yes(()) => {
                return fault("a delete on the right version says \"done\" and is not");
            }
            Done::No(answer) => {
                return fault(format!("it refuses a delete on the right version ({answer})"));
            }
        }
        self.race(Contest::Delete { quoted }).await
    }

    /// A contest, until a round of it counts.
    async fn race(&self, contest: Contest) -> Check {
        let mut attempt = 0;
        loop {
            match self.round(contest, attempt).await {
                Err(Stop::Again(error)) => back_off(&mut attempt, error).await?,
                counts => return counts,
            }
        }
    }

    async fn put(&self, object: &str, body: &str, when: &When) -> Result<Done<()>> {
        self.settled(object, Act::Put(body), when).await
    }

    /// A request until the store says yes or no to it.
    async fn settled(&self, object: &str, act: Act<'_>, when: &When) -> Result<Done<()>> {
        let mut attempt = 0;
        loop {
            let error = match self.send(object, act, when).await {
                Ok(Done::No(answer)) if answer.is_conditional_conflict() => busy(answer),
                // Nothing was written, so it can be sent again.
                Err(error) if error.is_retryable() && !error.may_have_applied() => error,
                done => return done,
            };
            back_off(&mut attempt, error).await?;
        }
    }

    pub(crate) async fn send(&self, object: &str, act: Act<'_>, when: &When) -> Result<Done<()>> {
        match act {
            Act::Put(body) => {
                let body = Bytes::copy_from_slice(body.as_bytes());
                Ok(match self.bucket.put(object, body, None, when).await? {
                    Done::Yes(_) => Done::Yes(()),
                    Done::No(answer) => Done::No(answer),
                })
            }
            Act::Delete => self.bucket.delete(object, when).await,
        }
    }

    pub(crate) async fn body(&self, object: &str) -> Result<Option<Bytes>> {
        match self.bucket.get(object, None, MAX_BODY).await? {
            Got::Object(found) => Ok(Some(found.body)),
            Got::Missing | Got::Unchanged => Ok(None),
        }
    }

    pub(crate) async fn etag(&self, object: &str) -> Result<String> {
        let head = self.bucket.head(object).await?;
        head.map(|head| head.etag).ok_or_else(|| {
            Error::new(ErrorKind::Other, "an object that was just written is gone")
                .with_backend(BACKEND)
        })
    }

    async fn stands(&self, object: &str, body: &str, after: &str) -> Check {
        match self.body(object).await? {
            Some(found) if found == body.as_bytes() => Ok(()),
            _ => fault(format!("{after} has changed the object")),
        }
    }
}

pub(crate) fn matches(etag: &str, quoted: bool) -> When {
    When::Match(if quoted { format!("\"{etag}\"") } else { etag.to_owned() })
}

/// A fault is a finding; an error ends the probe.
fn found<T>(check: Check<T>) -> Result<(Option<T>, Option<String>)> {
    match check {
        Ok(value) => Ok((Some(value), None)),
        Err(Stop::Fault(fault)) => Ok((None, Some(fault))),
        Err(Stop::Again(error) | Stop::Error(error)) => Err(error),
    }
}

/// Another write was under way: no finding, as nothing is said of the condition.
pub(crate) fn busy(answer: Answer) -> Error {
    answered(answer, Access::Read)
}

/// Waits before the next try, unless that was the last one.
async fn back_off(attempt: &mut u32, error: Error) -> Result<()> {
    *attempt += 1;
    if *attempt == ATTEMPTS {
        return Err(error);
    }
    tokio::time::sleep((BACK_OFF * 2_u32.pow(*attempt)).min(LONGEST_BACK_OFF)).await;
    Ok(())
}
