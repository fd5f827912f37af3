//! How steps and states are written in a counterexample.

use std::fmt;

use crate::model::{Action, Again};
use crate::state::{Client, Goal, Guard, Known, Record, State};

impl<const N: usize> fmt::Debug for Action<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let later = |again: Again, text| if again { text } else { "" };
        match *self {
            Self::Tick { fast } => {
                write!(f, "tick {}", fast.map(|fast| if fast { "fast" } else { "slow" }).join(" "))
            }
            Self::Read(c) => write!(f, "{c}: read"),
            Self::Write(c, purpose) => write!(f, "{c}: {}", format!("{purpose:?}").to_lowercase()),
            Self::Serve(c) => write!(f, "register serves {c}"),
            Self::Repeat(c) => write!(f, "network copies the write of {c}"),
            Self::Receive(c, again) => write!(f, "{c}: reply{}", later(again, ", to come again")),
            Self::GiveUp(c, again) => {
                write!(f, "{c}: gives up{}", later(again, ", still under way"))
            }
            Self::Crash(c, again) => write!(f, "{c}: crash{}", later(again, ", still under way")),
            Self::Land(c) => write!(f, "register serves a late write of {c}"),
            Self::ReceiveLate(c) => write!(f, "{c}: late reply"),
            Self::Unlock(c) => write!(f, "{c}: unlock"),
            Self::HandOver(c) => write!(f, "{c}: hands over to its next task"),
            Self::Store(c) => write!(f, "{c}: checks its guard, writes"),
            Self::StoreLands(c) => write!(f, "the write of {c} arrives"),
        }
    }
}

impl<const N: usize> fmt::Display for State<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            Record::NONE => write!(f, "no record")?,
            Record { held: true, token, .. } => write!(f, "held, token {token}")?,
            Record { held: false, token, .. } => write!(f, "free, token {token}")?,
        }
        for (c, client) in self.clients.iter().enumerate() {
            write!(f, " | {c} {client}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.goal, self.known) {
            (Goal::Hold(Guard { left, token, lost }), _) => {
                let lost = if lost { "lost, " } else { "" };
                write!(f, "has a guard ({lost}{left} left, token {token})")
            }
            (Goal::Lock, Some(Known { record: Record { held: true, .. }, watched })) => {
                write!(f, "waits ({watched} so far)")
            }
            (Goal::Lock, _) => write!(f, "has nothing"),
            (Goal::Unlock, _) => write!(f, "unlocks"),
        }
    }
}
