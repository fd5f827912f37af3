//! The buckets and their objects.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::Op;
use super::condition::Conditions;
use super::digest::Digests;
use super::object::{Fields, Object, check_name};
use super::refusal::Refusal;
use super::resumable::Session;

/// The mutations whose idempotency tokens are remembered.
const REMEMBERED: usize = 10_000;

/// A mutation: its idempotency token, what it was, and on which object.
type Mutation = (String, Op, String, String);

/// Everything that is kept.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) sessions: HashMap<String, Session>,
    /// How far apart writes of one object must be.
    pub(super) write_interval: Duration,
    last_generation: i64,
    /// What was answered to the mutations of these tokens; a delete has no object.
    answered: HashMap<Mutation, Option<Arc<Object>>>,
    remembered: VecDeque<Mutation>,
}

/// A bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Arc<Object>>,
    /// When objects were last written or deleted.
    written: HashMap<String, Instant>,
}

/// A write: which object, under which conditions, and the token of a client that may send it twice.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) conditions: Conditions,
    pub(super) idempotency: Option<String>,
}

impl Target {
    /// Without its conditions, where they are ignored.
    pub(super) fn obeying(&self, ignored: bool) -> Self {
        let mut target = self.clone();
        if ignored {
            target.conditions = Conditions::default();
        }
        target
    }

    fn mutation(&self, op: Op) -> Option<Mutation> {
        let token = self.idempotency.clone()?;
        Some((token, op, self.bucket.clone(), self.name.clone()))
    }
}

impl Store {
    pub(super) fn bucket(&self, name: &str) -> Result<&Bucket, Refusal> {
        self.buckets.get(name).ok_or_else(Refusal::no_bucket)
    }

    /// The live object, if it is of this generation where one is named.
    pub(super) fn object(
        &self,
        bucket: &str,
        name: &str,
        generation: Option<i64>,
    ) -> Result<Arc<Object>, Refusal> {
        let found = self.bucket(bucket)?.objects.get(name);
        let found = found.filter(|object| generation.is_none_or(|one| one == object.generation));
        found.cloned().ok_or_else(|| Refusal::no_object(bucket, name))
    }

    /// Judges and writes in one step.
    pub(super) fn insert(
        &mut self,
        target: &Target,
        body: Bytes,
        fields: Fields,
    ) -> Result<Arc<Object>, Refusal> {
        check_name(&target.name)?;
        let mutation = target.mutation(Op::InsertObject);
        if let Some(Some(first)) = mutation.as_ref().and_then(|known| self.answered.get(known)) {
            return Ok(Arc::clone(first));
        }
        let live = self.bucket(&target.bucket)?.objects.get(&target.name);
        target.conditions.judge_write(live.map(Arc::as_ref))?;
        self.take_turn(target)?;
        let now = SystemTime::now();
        let object = Arc::new(Object {
            bucket: target.bucket.clone(),
            name: target.name.clone(),
            generation: self.next_generation(now),
            metageneration: 1,
            created: now,
            updated: now,
            digests: Digests::of(&body),
            body,
            fields,
        });
        self.put(target, Arc::clone(&object));
        self.remember(mutation, Some(Arc::clone(&object)));
        Ok(object)
    }

    pub(super) fn delete(
        &mut self,
        target: &Target,
        generation: Option<i64>,
    ) -> Result<(), Refusal> {
        let mutation = target.mutation(Op::DeleteObject);
        if mutation.as_ref().is_some_and(|known| self.answered.contains_key(known)) {
            return Ok(());
        }
        let live = self.object(&target.bucket, &target.name, generation)?;
        target.conditions.judge_write(Some(&live))?;
        self.take_turn(target)?;
        if let Some(bucket) = self.buckets.get_mut(&target.bucket) {
            bucket.objects.remove(&target.name);
        }
        self.remember(mutation, None);
        Ok(())
    }

    /// Changes metadata; the generation stays.
    pub(super) fn update(
        &mut self,
        target: &Target,
        change: impl FnOnce(&mut Fields) -> Result<(), Refusal>,
    ) -> Result<Arc<Object>, Refusal> {
        let mutation = target.mutation(Op::UpdateObject);
        if let Some(Some(first)) = mutation.as_ref().and_then(|known| self.answered.get(known)) {
            return Ok(Arc::clone(first));
        }
        let live = self.object(&target.bucket, &target.name, None)?;
        target.conditions.judge_write(Some(&live))?;
        let mut object = Object::clone(&live);
        change(&mut object.fields)?;
        self.take_turn(target)?;
        object.metageneration += 1;
        object.updated = SystemTime::now();
        let object = Arc::new(object);
        self.put(target, Arc::clone(&object));
        self.remember(mutation, Some(Arc::clone(&object)));
        Ok(object)
    }

    fn put(&mut self, target: &Target, object: Arc<Object>) {
        if let Some(bucket) = self.buckets.get_mut(&target.bucket) {
            bucket.objects.insert(target.name.clone(), object);
        }
    }

    /// One write of an object in each interval: <https://cloud.google.com/storage/quotas#objects>.
    fn take_turn(&mut self, target: &Target) -> Result<(), Refusal> {
        let interval = self.write_interval;
        let Some(bucket) = self.buckets.get_mut(&target.bucket) else {
            return Err(Refusal::no_bucket());
        };
        if interval.is_zero() {
            return Ok(());
        }
        let now = Instant::now();
        let early = |last: &Instant| now.duration_since(*last) < interval;
        if bucket.written.get(&target.name).is_some_and(early) {
            return Err(Refusal::rate_limit(&target.bucket, &target.name));
        }
        bucket.written.insert(target.name.clone(), now);
        Ok(())
    }

    /// Microseconds, as Google's look; never the same twice.
    fn next_generation(&mut self, now: SystemTime) -> i64 {
        let micros = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        self.last_generation = micros.max(self.last_generation + 1);
        self.last_generation
    }

    fn remember(&mut self, mutation: Option<Mutation>, answer: Option<Arc<Object>>) {
        let Some(mutation) = mutation else { return };
        if self.remembered.len() == REMEMBERED
            && let Some(oldest) = self.remembered.pop_front()
        {
            self.answered.remove(&oldest);
        }
        self.remembered.push_back(mutation.clone());
        self.answered.insert(mutation, answer);
    }
}
