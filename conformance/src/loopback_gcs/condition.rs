//! Preconditions: <https://cloud.google.com/storage/docs/request-preconditions>.

use super::object::Object;
use super::refusal::Refusal;

/// What must be so of the live object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    /// 0: there is none.
    pub(super) generation: Option<i64>,
    pub(super) generation_not: Option<i64>,
    pub(super) metageneration: Option<i64>,
    pub(super) metageneration_not: Option<i64>,
}

impl Conditions {
    pub(super) fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Whether the conditions that name what must be hold.
    fn matches(&self, live: Option<&Object>) -> bool {
        let generation = live.map_or(0, |object| object.generation);
        let metageneration = live.map(|object| object.metageneration);
        self.generation.is_none_or(|wanted| wanted == generation)
            && self.metageneration.is_none_or(|wanted| metageneration == Some(wanted))
    }

    /// Whether the conditions that name what must not be hold; without a live object they do not.
    fn differs(&self, live: Option<&Object>) -> bool {
        let differs = |unwanted: Option<i64>, found: fn(&Object) -> i64| match (unwanted, live) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(unwanted), Some(object)) => found(object) != unwanted,
        };
        differs(self.generation_not, |object| object.generation)
            && differs(self.metageneration_not, |object| object.metageneration)
    }

    /// Of a write.
    pub(super) fn judge_write(&self, live: Option<&Object>) -> Result<(), Refusal> {
        let holds = self.matches(live) && self.differs(live);
        if holds { Ok(()) } else { Err(Refusal::condition()) }
    }

    /// Of a read of an object that is there.
    pub(super) fn judge_read(&self, live: &Object) -> Result<(), Refusal> {
        if !self.matches(Some(live)) {
            return Err(Refusal::condition());
        }
        if self.differs(Some(live)) { Ok(()) } else { Err(Refusal::not_modified()) }
    }
}
