//! Lock logs: one appendable object a lock, grown on the condition of its length, and never deleted.
//!
//! A version is the nonce of the record. Where in the log that record stands is remembered from the last read or write,
//! so a write of a lock that this client knows is one append. The server answers an append with the checksum of the whole
//! log: when it is another than that of the known log with the new frame, the frame has landed on a log that was deleted
//! and has grown anew, where it counts for nobody, and not for its writer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::{Look, Record, Register, Stored, Swap};
use certstore_core::{Error, ErrorKind, Result, Version};
use certstore_objects::{ObjectStore as _, Query, unmapped};

use crate::bucket::{Bucket, Done, Object};
use crate::crc64::extend;
use crate::frame::Frame;
use crate::log::{self, End, corrupt};
use crate::names::Names;

/// How much of a log's end is read, in bytes: some 30 records.
const TAIL: u64 = 16 << 10;

/// The longest log that is read, in bytes: one grows to 16 MiB and a frame, and what lands there late.
const MAX_LOG: u64 = 32 << 20;

/// How many logs one after another are followed, and how often a log is looked for that is gone.
const MAX_STEPS: usize = 64;

/// How many locks' places are remembered.
const MAX_KNOWN: usize = 10_000;

/// The logs under one prefix.
pub(crate) struct LogRegister {
    bucket: Arc<Bucket>,
    names: Names,
    rotate_at: u64,
    known: Mutex<HashMap<String, Place>>,
}

/// Where the next frame goes, and what it follows.
#[derive(Debug, Clone)]
struct Place {
    epoch: u32,
    position: u64,
    checksum: u64,
    /// `None`: nothing was ever written.
    record: Option<Record>,
}

impl Place {
    /// Of a lock that has no log.
    const START: Self = Self { epoch: 0, position: 0, checksum: 0, record: None };

    fn nonce(&self) -> u128 {
        self.record.as_ref().map_or(0, |record| record.write)
    }

    fn stored(&self) -> Option<Stored> {
        let record = self.record.clone()?;
        Some(Stored { version: version(&record), record })
    }
}

fn version(record: &Record) -> Version {
    Version::new(format!("{:032x}", record.write))
}

/// What became of an append.
enum Appended {
    /// The place behind it.
    Done(Place),
    Conflict,
}

impl LogRegister {
    pub(crate) fn new(bucket: Arc<Bucket>, names: Names, rotate_at: u64) -> Self {
        Self { bucket, names, rotate_at, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place_of(&self, name: &str) -> Option<Place> {
        self.known().get(name).cloned()
    }

    fn learn(&self, name: &str, place: Option<&Place>) {
        let mut known = self.known();
        match place {
            None => drop(known.remove(name)),
            Some(place) => {
                if known.len() >= MAX_KNOWN && !known.contains_key(name) {
                    known.clear();
                }
                known.insert(name.to_owned(), place.clone());
            }
        }
    }

    /// Reads where the lock's newest log ends. `None`: there is none.
    async fn find(&self, name: &str) -> Result<Option<Place>> {
        let found = self.follow(name).await;
        self.learn(name, found.as_ref().ok().and_then(Option::as_ref));
        found
    }

    async fn follow(&self, name: &str) -> Result<Option<Place>> {
        let known = self.place_of(name).map_or(0, |place| place.epoch);
        let (mut epoch, mut listed) = (known, false);
        // What the log before says, whose end was read.
        let mut before: Option<Record> = None;
        for _ in 0..MAX_STEPS {
            match self.end(&self.names.log(name, epoch)).await? {
                Some(End { last, .. }) if last.next.is_some() => {
                    let next = last.next.filter(|next| *next > epoch);
                    let next = next.ok_or_else(|| corrupt("it goes on in an older one"))?;
                    before = Some(last.record);
                    // Far behind, the newest is found faster by its name.
                    let newest = if listed { None } else { self.newest(name).await? };
                    listed = true;
                    epoch = newest
                        .filter(|newest| *newest > next)
                        .inspect(|_| before = None)
                        .unwrap_or(next);
                }
                Some(End { position, checksum, last }) => {
                    return Ok(Some(Place {
                        epoch,
                        position,
                        checksum,
                        record: Some(last.record),
                    }));
                }
                // Ended, and the next one not yet begun.
                None if before.is_some() => {
                    return Ok(Some(Place { epoch, record: before, ..Place::START }));
                }
                // The first log may be gone while later ones are there.
                None => match self.newest(name).await? {
                    Some(newest) if newest != epoch || !listed => (epoch, listed) = (newest, true),
                    _ => return Ok(None),
                },
            }
        }
        Err(corrupt("it goes on in too many others"))
    }

    /// The end of one log; `None`: it is not there, or empty.
    async fn end(&self, object: &str) -> Result<Option<End>> {
        let Some(tail) = self.checked(self.bucket.tail(object, TAIL, MAX_LOG).await)? else {
            return Ok(None);
        };
        if tail.head.size == 0 {
            return Ok(None);
        }
        if let Some(end) = log::end(&tail)? {
            return Ok(Some(end));
        }
        let Some(whole) = self.checked(self.bucket.get(object, MAX_LOG).await)? else {
            return Ok(None);
        };
        log::end(&whole)?.map(Some).ok_or_else(|| corrupt("none of its records counts"))
    }

    fn checked(&self, read: Result<Option<Object>>) -> Result<Option<Object>> {
        read.map_err(|error| match error.kind() {
            ErrorKind::TooLarge => corrupt("it is longer than any is").with_source(error),
            _ => error,
        })
    }

    /// The newest log of a lock, by a list.
    async fn newest(&self, name: &str) -> Result<Option<u32>> {
        let epochs = self.names.epochs(name);
        let objects = self.bucket.all(&epochs).await?;
        let numbers =
            objects.iter().filter_map(|object| object.strip_prefix(&epochs)?.parse().ok());
        Ok(numbers.max())
    }

    /// Writes `record` behind `place`.
    async fn append(
        &self,
        name: &str,
        place: &Place,
        next: Option<u32>,
        record: &Record,
    ) -> Result<Appended> {
        let (prev, before) = (place.nonce(), place.checksum);
        let frame = Frame { next, prev, before, record: record.clone() };
        let frame: Bytes = frame.encode().ok_or_else(|| corrupt("the record is too long"))?;
        let position = place.position + frame.len() as u64;
        let checksum = extend(place.checksum, &frame);
        let object = self.names.log(name, place.epoch);
        let appended = self.bucket.append(&object, place.position, frame).await;
        let appended = match appended.map_err(not_a_log)? {
            Done::No(_) => return Ok(Appended::Conflict),
            Done::Yes(appended) => appended,
        };
        let counts = match appended.checksum {
            Some(found) => found == checksum,
            // A server that does not tell: what counts is what everybody else reads.
            None => {
                let end =
                    self.end(&object).await.map_err(|error| error.with_may_have_applied(true))?;
                end.is_some_and(|end| {
                    end.last.record.write == record.write && end.last.next == next
                })
            }
        };
        if !counts {
            tracing::warn!(
                lock = name,
                "the lock's log was deleted and has grown anew; nobody may delete it while in use"
            );
            return Ok(Appended::Conflict);
        }
        let place = match next {
            None => Place { epoch: place.epoch, position, checksum, record: Some(record.clone()) },
            Some(epoch) => Place { epoch, record: Some(record.clone()), ..Place::START },
        };
        Ok(Appended::Done(place))
    }

    /// The place to write at, with the last log ended and the next one to be begun if it is long enough.
    async fn rotated(&self, name: &str, place: Place) -> Result<Appended> {
        let Some(record) = place.record.clone().filter(|_| place.position >= self.rotate_at) else {
            return Ok(Appended::Done(place));
        };
        self.append(name, &place, Some(place.epoch + 1), &record).await
    }

    /// The place that `expected` names, if it is still the newest as far as this client knows.
    async fn expected(&self, name: &str, expected: Option<&Version>) -> Result<Option<Place>> {
        let Some(expected) = expected else { return Ok(Some(Place::START)) };
        let is = |place: &Place| place.stored().is_some_and(|stored| stored.version == *expected);
        if let Some(place) = self.place_of(name).filter(is) {
            return Ok(Some(place));
        }
        Ok(self.find(name).await?.filter(is))
    }

    async fn write(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let Some(place) = self.expected(name, expected).await? else { return Ok(Swap::Conflict) };
        let place = match self.rotated(name, place).await? {
            Appended::Done(place) => place,
            Appended::Conflict => return Ok(Swap::Conflict),
        };
        match self.append(name, &place, None, record).await? {
            Appended::Conflict => Ok(Swap::Conflict),
            Appended::Done(place) => {
                self.learn(name, Some(&place));
                Ok(Swap::Done(version(record)))
            }
        }
    }

    /// The name of a lock, of which the log's name only has a digest.
    async fn name_in(&self, mapped: &str) -> Option<String> {
        let prefix = format!("{}{mapped}/", self.names.logs());
        let newest = self.bucket.all(&prefix).await.map(|objects| objects.into_iter().max());
        let end = match newest {
            Ok(Some(object)) => self.end(&object).await,
            Ok(None) => return None,
            Err(error) => Err(error),
        };
        match end {
            Ok(end) => end.map(|end| end.last.record.name),
            Err(error) => {
                tracing::warn!(object = prefix, %error, "a lock's log cannot be read");
                None
            }
        }
    }
}

/// The object of a lock that is no log is damage, whatever the server calls it.
fn not_a_log(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Corrupt => {
            corrupt("it was not made by appending; another program has written it")
                .with_source(error)
        }
        _ => error,
    }
}

#[async_trait]
impl Register for LogRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        Ok(self.find(name).await?.and_then(|place| place.stored()))
    }

    /// One HEAD, while the log is as it was.
    async fn look(&self, name: &str, known: &Stored) -> Result<Look> {
        let place = self.place_of(name);
        if let Some(place) = place
            .filter(|place| place.stored().is_some_and(|stored| stored.version == known.version))
        {
            let head = self.bucket.head(&self.names.log(name, place.epoch)).await?;
            let unchanged = match head {
                Some(head) => head.size == place.position && head.checksum == Some(place.checksum),
                // Not begun, or all logs are gone and the lock has begun anew elsewhere: only a read tells.
                None => false,
            };
            if unchanged {
                return Ok(Look::Unchanged);
            }
        }
        Ok(Look::Changed(self.read(name).await?))
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let written = self.write(name, expected, record).await;
        // After a conflict or in doubt, only the log itself tells.
        if !matches!(written, Ok(Swap::Done(_))) {
            self.forget(name);
        }
        written
    }

    async fn names(&self) -> Result<Vec<String>> {
        let logs = self.names.logs();
        let query = Query { prefix: logs.clone(), shallow: true, limit: None };
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let page = self.bucket.page(&query, token.as_deref()).await?;
            for prefix in page.prefixes {
                let mapped = prefix.strip_prefix(&logs).and_then(|rest| rest.strip_suffix('/'));
                let Some(mapped) = mapped else { continue };
                match unmapped(mapped) {
                    Some(name) => names.push(name),
                    None => names.extend(self.name_in(mapped).await),
                }
            }
            token = page.next;
            if token.is_none() {
                return Ok(names);
            }
        }
    }
}

impl LogRegister {
    /// Keeps the number of the log, which does not go back, and nothing else.
    fn forget(&self, name: &str) {
        if let Some(place) = self.known().get_mut(name) {
            *place = Place { epoch: place.epoch, ..Place::START };
        }
    }
}
