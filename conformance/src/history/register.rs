//! The model of one key: what each call may answer, and what it leaves.

use super::{Call, Outcome};

/// What a key holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct State<'a> {
    /// 0: nothing.
    pub(super) value: u64,
    /// Lock name and token of the last fenced write, if that was the last write.
    pub(super) stamp: Option<(&'a str, u64)>,
}

impl<'a> State<'a> {
    /// The state after `call`, if it may end like that in this state.
    pub(super) fn after(self, call: &'a Call, outcome: Outcome) -> Option<Self> {
        let plain = |value| Self { value, stamp: None };
        match (call, outcome) {
            (Call::Load, Outcome::Saw(seen)) => (seen.unwrap_or(0) == self.value).then_some(self),
            (Call::Load, _) => Some(self),
            (Call::Create { .. }, Outcome::Refused) => (self.value != 0).then_some(self),
            (Call::Replace { expected, .. }, Outcome::Refused) => {
                (self.value != *expected).then_some(self)
            }
            (_, Outcome::Refused) => Some(self),
            (Call::Store { value }, _) => Some(plain(*value)),
            (Call::Create { value }, _) => (self.value == 0).then_some(plain(*value)),
            (Call::Replace { value, expected }, _) => {
                (self.value == *expected).then_some(plain(*value))
            }
            (Call::Fenced { value, name, token }, _) => {
                let fenced = self.stamp.is_some_and(|(by, newest)| by == name && newest > *token);
                (!fenced).then_some(Self { value: *value, stamp: Some((name, *token)) })
            }
        }
    }
}
