//! The probe's races: many requests at once under one condition, of which one may win.

use certstore_core::{Error, ErrorKind, OsRandom, Random, Result};
use futures_util::future::join_all;

use crate::bucket::{Done, When};
use crate::error::BACKEND;
use crate::probe::{Act, Check, Probe, Stop, busy, fault, matches};

/// How many requests there are at once.
const RACERS: usize = 16;

/// What they do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Contest {
    /// All create one object.
    Create(usize),
    /// All write over one version.
    Update { quoted: bool },
    /// Every other one writes over a version, and the rest deletes it.
    Delete { quoted: bool },
}

impl Contest {
    fn name(self) -> &'static str {
        match self {
            Self::Create(_) => "create-only writes",
            Self::Update { .. } => "writes on one version",
            Self::Delete { .. } => "writes and deletes on one version",
        }
    }
}

impl Probe<'_> {
    /// One round. It counts when at least half of the requests were answered.
    pub(crate) async fn round(&self, contest: Contest, attempt: u32) -> Check {
        let (object, when) = self.prepare(contest, attempt).await?;
        let nonce = OsRandom.next_u128();
        let bodies: Vec<String> =
            (0..RACERS).map(|racer| format!("{nonce:032x} {racer}")).collect();
        let acts = bodies.iter().enumerate().map(|(racer, body)| match contest {
            Contest::Delete { .. } if racer % 2 == 1 => Act::Delete,
            _ => Act::Put(body),
        });
        let acts: Vec<Act<'_>> = acts.collect();
        let done = join_all(acts.iter().map(|act| self.send(&object, *act, &when))).await;
        let mut tally = Tally::default();
        for (act, done) in acts.into_iter().zip(done) {
            tally.count(act, done)?;
        }
        let stands = self.body(&object).await?;
        tally.judge(contest, stands.as_deref())
    }

    /// The object of a round and the condition. A round that did not count may still write to its own.
    async fn prepare(&self, contest: Contest, attempt: u32) -> Result<(String, When)> {
        let quoted = match contest {
            Contest::Create(round) => {
                return Ok((self.object(&format!("create-{round}-{attempt}")), When::Absent));
            }
            Contest::Update { quoted } | Contest::Delete { quoted } => quoted,
        };
        let mut object = self.object("update");
        if matches!(contest, Contest::Delete { .. }) {
            object = self.object(&format!("delete-{attempt}"));
            self.send(&object, Act::Put("before"), &When::Always).await?;
        }
        let when = matches(&self.etag(&object).await?, quoted);
        Ok((object, when))
    }
}

/// What became of a round's requests.
#[derive(Default)]
struct Tally<'a> {
    written: Vec<&'a str>,
    deleted: usize,
    refused: usize,
    /// Writes without an answer; the object tells whether they took effect.
    unclear: Vec<&'a str>,
    /// Why the store gave no yes or no, of one request.
    trouble: Option<Error>,
    /// Those that met another one under way.
    busy: usize,
}

impl<'a> Tally<'a> {
    fn count(&mut self, act: Act<'a>, done: Result<Done<()>>) -> Result<()> {
        match (done, act) {
            (Ok(Done::Yes(())), Act::Put(body)) => self.written.push(body),
            (Ok(Done::Yes(())), Act::Delete) => self.deleted += 1,
            (Ok(Done::No(answer)), _) if answer.is_conditional_conflict() => {
                self.busy += 1;
                self.trouble.get_or_insert_with(|| busy(answer));
            }
            (Ok(Done::No(_)), _) => self.refused += 1,
            (Err(error), act) if error.may_have_applied() || error.is_retryable() => {
                if let (Act::Put(body), true) = (act, error.may_have_applied()) {
                    self.unclear.push(body);
                }
                self.trouble = Some(error);
            }
            (Err(error), _) => return Err(error),
        }
        Ok(())
    }

    /// One may win, and what it did must stand.
    fn judge(mut self, contest: Contest, stands: Option<&[u8]>) -> Check {
        let what = contest.name();
        let is = |body: &&str| stands == Some(body.as_bytes());
        if !self.written.is_empty() && self.deleted > 0 {
            return fault("of writes and deletes on one version at once, one of each went through");
        }
        if self.written.len() > 1 {
            let winners = self.written.len();
            return fault(format!("{winners} of {RACERS} {what} at once went through"));
        }
        if self.written.first().is_some_and(|winner| !is(winner)) {
            return fault(format!(
                "of {RACERS} {what} at once one won, but what it wrote does not stand"
            ));
        }
        if self.deleted > 0 && stands.is_some() {
            return fault(format!("of {RACERS} {what} at once a delete won, but an object stands"));
        }
        let won = self.written.len() + self.deleted;
        if (won + self.refused + self.busy) * 2 < RACERS {
            return Err(Stop::Again(self.trouble()));
        }
        if won > 0 || self.unclear.iter().any(is) {
            return Ok(());
        }
        match self.trouble {
            // Nobody got through, and the server was busy or failed on some: not a fault of its conditions.
            Some(_) => Err(Stop::Again(self.trouble())),
            None => fault(format!("none of {RACERS} {what} at once went through")),
        }
    }

    fn trouble(&mut self) -> Error {
        self.trouble.take().unwrap_or_else(|| {
            Error::new(ErrorKind::Unavailable, "the server gave no answer").with_backend(BACKEND)
        })
    }
}

#[cfg(test)]
#[path = "race_tests.rs"]
mod tests;
