//! The probe: does the store keep what S3 promises of conditional requests? Some compatible ones ignore conditions and
//! say "done", and then two holders of one lock would each believe to be alone.

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, OsRandom, Random, Result};
use futures_util::future::join_all;

use crate::bucket::{Bucket, Done, Got, When};
use crate::error::BACKEND;
use crate::names::Names;
use crate::proof::Need;

/// How many write at once.
const RACERS: usize = 16;

/// How often they do.
const ROUNDS: usize = 4;

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
enum Stop {
    Fault(String),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

type Check<T = ()> = std::result::Result<T, Stop>;

fn fault<T>(what: impl Into<String>) -> Check<T> {
    Err(Stop::Fault(what.into()))
}

/// Tries the store out under a name of its own and removes what it wrote.
pub(crate) async fn run(bucket: &Bucket, names: &Names) -> Result<ProbeReport> {
    let dir = names.probe(OsRandom.next_u128());
    let probe = Probe { bucket, dir: &dir };
    let outcome = probe.all().await;
    if let Err(error) = bucket.delete_each(probe.objects()).await {
        tracing::warn!(%dir, %error, "the probe's objects could not be deleted; delete them by hand");
    }
    let report = outcome.map_err(|error| {
        let clean =
            Error::new(error.kind(), "the store could not be tried out on its conditional writes")
                .with_backend(BACKEND);
        clean.with_source(error)
    })?;
    if !report.can_lock() {
        tracing::warn!(?report, "this store cannot be locked safely");
    }
    Ok(report)
}

struct Probe<'a> {
    bucket: &'a Bucket,
    dir: &'a str,
}

impl Probe<'_> {
    fn object(&self, name: &str) -> String {
        format!("{}{name}", self.dir)
    }

    /// Everything that a run may have written.
    fn objects(&self) -> Vec<String> {
        let races = (0..ROUNDS).map(|round| self.object(&format!("create-{round}")));
        races.chain(["one", "missing", "update"].map(|name| self.object(name))).collect()
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
            Done::Yes(_) => {}
            Done::No(answer) => return fault(format!("it refuses to create an object ({answer})")),
        }
        if let Done::Yes(_) = self.put(&one, "second", &When::Absent).await? {
            return fault("a create-only write (If-None-Match: *) wrote over an object");
        }
        self.stands(&one, "first", "a create-only write that was refused").await?;
        for round in 0..ROUNDS {
            self.race(
                &self.object(&format!("create-{round}")),
                &When::Absent,
                "create-only writes",
            )
            .await?;
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
            if let Done::Yes(_) = self.put(&one, "third", &matches(wrong, quoted)).await? {
                return fault("a write on another version (If-Match) went through");
            }
            self.stands(&one, "second", "a write on another version that was refused").await?;
        }
        let missing = self.object("missing");
        if let Done::Yes(_) = self.put(&missing, "third", &matches(&first, quoted)).await? {
            return fault("a write on a version (If-Match) created an object");
        }
        let update = self.object("update");
        self.put(&update, "before", &When::Always).await?;
        for _ in 0..ROUNDS {
            let etag = self.etag(&update).await?;
            self.race(&update, &matches(&etag, quoted), "writes on one version").await?;
        }
        Ok(quoted)
    }

    async fn delete(&self, quoted: bool) -> Check {
        let one = self.object("one");
        let etag = self.etag(&one).await?;
        let wrong = matches("00000000000000000000000000000000", quoted);
        if let Done::Yes(()) = self.bucket.delete(&one, &wrong).await? {
            return fault("a delete on another version (If-Match) went through, or says so");
        }
        self.stands(&one, "second", "a delete on another version that was refused").await?;
        match self.bucket.delete(&one, &matches(&etag, quoted)).await? {
            Done::Yes(()) if self.body(&one).await?.is_none() => Ok(()),
            Done::Yes(()) => fault("a delete on the right version says \"done\" and is not"),
            Done::No(answer) => {
                fault(format!("it refuses a delete on the right version ({answer})"))
            }
        }
    }

    /// At most one of those who write at once under one condition may win, and its write must stand.
    async fn race(&self, object: &str, when: &When, what: &str) -> Check {
        let nonce = OsRandom.next_u128();
        let bodies: Vec<String> =
            (0..RACERS).map(|racer| format!("{nonce:032x} {racer}")).collect();
        let done = join_all(bodies.iter().map(|body| self.put(object, body, when))).await;
        let (mut winners, mut unclear) = (Vec::new(), Vec::new());
        for (body, done) in bodies.iter().zip(done) {
            match done {
                Ok(Done::Yes(_)) => winners.push(body),
                Ok(Done::No(_)) => {}
                // Overtaxed: whether it was written, the object tells.
                Err(error) if error.may_have_applied() => unclear.push((body, error)),
                Err(error) => return Err(error.into()),
            }
        }
        if winners.len() > 1 {
            return fault(format!("{} of {RACERS} {what} at once went through", winners.len()));
        }
        let stands = self.body(object).await?;
        let stands = |body: &&String| stands.as_deref() == Some(body.as_bytes());
        match (winners.first(), unclear.iter().any(|(body, _)| stands(body)), unclear.pop()) {
            (Some(winner), _, _) if stands(winner) => Ok(()),
            (Some(_), _, _) => {
                fault(format!("of {RACERS} {what} at once one won, but another one's bytes stand"))
            }
            (None, true, _) => Ok(()),
            // Nobody got through, and the server failed on some: not a fault of its conditions.
            (None, false, Some((_, error))) => Err(error.into()),
            (None, false, None) => fault(format!("none of {RACERS} {what} at once went through")),
        }
    }

    async fn put(&self, object: &str, body: &str, when: &When) -> Result<Done<String>> {
        self.bucket.put(object, Bytes::copy_from_slice(body.as_bytes()), None, when).await
    }

    async fn body(&self, object: &str) -> Result<Option<Bytes>> {
        match self.bucket.get(object, None).await? {
            Got::Object(found) => Ok(Some(found.body)),
            Got::Missing | Got::Unchanged => Ok(None),
        }
    }

    async fn etag(&self, object: &str) -> Result<String> {
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

fn matches(etag: &str, quoted: bool) -> When {
    When::Match(if quoted { format!("\"{etag}\"") } else { etag.to_owned() })
}

/// A fault is a finding; an error ends the probe.
fn found<T>(check: Check<T>) -> Result<(Option<T>, Option<String>)> {
    match check {
        Ok(value) => Ok((Some(value), None)),
        Err(Stop::Fault(fault)) => Ok((None, Some(fault))),
        Err(Stop::Error(error)) => Err(error),
    }
}
