//! The secrets and the server's time. Every request is one step under one lock, which makes the store linearizable;
//! what came before is remembered, for reads and lists that lag.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::failure::{Done, Failure};
use super::secret::Secret;
use super::{MAX_VERSIONS, REGION};

/// For how long earlier states are remembered: longer than any delay.
pub(super) const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// The states of one name, each from its time on; the last one is the present.
type States = VecDeque<(SystemTime, Option<Arc<Secret>>)>;

#[derive(Debug, Default)]
struct Rate {
    limit: Option<u32>,
    second: u64,
    used: u32,
}

#[derive(Debug)]
pub(super) struct Store {
    names: BTreeMap<String, States>,
    created: u64,
    /// How far the server's clock is ahead of the machine's.
    ahead: Duration,
    pub(super) version_limit: Option<usize>,
    pub(super) list_delay: Duration,
    pub(super) read_delay: Duration,
    pub(super) delete_lag: Duration,
    /// Names of forced deletes that are under way, and when they end.
    vanishing: BTreeMap<String, SystemTime>,
    rate: Rate,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
            created: 0,
            ahead: Duration::ZERO,
            version_limit: Some(MAX_VERSIONS),
            list_delay: Duration::ZERO,
            read_delay: Duration::ZERO,
            delete_lag: Duration::ZERO,
            vanishing: BTreeMap::new(),
            rate: Rate::default(),
        }
    }
}

impl Store {
    pub(super) fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }

    pub(super) fn advance(&mut self, time: Duration) {
        self.ahead += time;
    }

    pub(super) fn set_rate(&mut self, limit: Option<u32>) {
        self.rate = Rate { limit, ..Rate::default() };
    }

    /// Counts a request; refuses it when there were too many in this second.
    pub(super) fn admit(&mut self) -> Done<()> {
        let Some(limit) = self.rate.limit else { return Ok(()) };
        let second = self.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if second != self.rate.second {
            self.rate = Rate { limit: Some(limit), second, used: 0 };
        }
        self.rate.used += 1;
        if self.rate.used > limit {
            return Err(Failure::new("ThrottlingException", "Rate exceeded"));
        }
        Ok(())
    }

    /// The name that an id stands for: it may be a whole ARN, or one without its ending.
    pub(super) fn name_of(&self, id: &str) -> String {
        let begin = format!("arn:aws:secretsmanager:{REGION}:000000000000:secret:");
        let Some(rest) = id.strip_prefix(&begin) else { return id.to_owned() };
        let has_arn = |states: &States| {
            states
                .back()
                .and_then(|(_, secret)| secret.as_ref())
                .is_some_and(|secret| secret.arn == id)
        };
        let found = self.names.iter().find(|(_, states)| has_arn(states));
        found.map_or_else(|| rest.to_owned(), |(name, _)| name.clone())
    }

    /// The secret as it is.
    pub(super) fn secret(&self, id: &str) -> Done<Arc<Secret>> {
        self.at(&self.name_of(id), self.now()).ok_or_else(Failure::no_secret)
    }

    /// The secret as reads see it.
    pub(super) fn seen(&self, id: &str) -> Done<Arc<Secret>> {
        let at = self.now() - self.read_delay;
        self.at(&self.name_of(id), at).ok_or_else(Failure::no_secret)
    }

    /// The secrets as lists see them.
    pub(super) fn listed(&self) -> Vec<Arc<Secret>> {
        let at = self.now() - self.list_delay;
        self.names.keys().filter_map(|name| self.at(name, at)).collect()
    }

    fn at(&self, name: &str, time: SystemTime) -> Option<Arc<Secret>> {
        let states = self.names.get(name)?;
        let (_, state) = states.iter().rev().find(|(since, _)| *since <= time)?;
        let secret = state.as_ref()?;
        let gone = secret.deletion.is_some_and(|deletion| deletion.ends <= time);
        (!gone).then(|| Arc::clone(secret))
    }

    /// The present from now on.
    pub(super) fn set(&mut self, name: &str, secret: Option<Secret>) {
        let now = self.now();
        let states = self.names.entry(name.to_owned()).or_default();
        states.push_back((now, secret.map(Arc::new)));
        while states.get(1).is_some_and(|(since, _)| *since + REMEMBERED < now) {
            states.pop_front();
        }
        if states.len() == 1 && states[0].1.is_none() {
            self.names.remove(name);
        }
    }

    /// Changes a secret in one step: what `change` refuses changes nothing.
    pub(super) fn change<T>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Secret, SystemTime) -> Done<T>,
    ) -> Done<(Arc<Secret>, T)> {
        let mut secret = (*self.secret(id)?).clone();
        let done = change(&mut secret, self.now())?;
        let name = secret.name.clone();
        self.set(&name, Some(secret));
        Ok((self.secret(&name)?, done))
    }

    /// What a new secret of that name is called, and its place in the order of creation.
    pub(super) fn new_arn(&mut self, name: &str) -> (String, u64) {
        self.created += 1;
        let mut ending = String::new();
        // Any six characters; different for secrets of one name.
        let mut number = self.created.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        for _ in 0..6 {
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
            ending.push(char::from(digits[(number % 62) as usize]));
            number /= 62;
        }
        let arn = format!("arn:aws:secretsmanager:{REGION}:000000000000:secret:{name}-{ending}");
        (arn, self.created)
    }

    pub(super) fn vanish(&mut self, name: &str) {
        if !self.delete_lag.is_zero() {
            self.vanishing.insert(name.to_owned(), self.now() + self.delete_lag);
        }
        self.set(name, None);
    }

    /// Whether a forced delete of that name is still under way.
    pub(super) fn is_vanishing(&self, name: &str) -> bool {
        self.vanishing.get(name).is_some_and(|until| *until > self.now())
    }
}
