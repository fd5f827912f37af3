//! The verdict: what may have come of an operation.

use std::error::Error as StdError;

use certstore_core::{Error, ErrorKind};

use super::Operation;
use super::act::{Answer, Ending};
use super::stage::Stage;
use super::state::State;

/// What a caller may be told.
#[derive(Debug)]
pub(super) struct Allowed<'a> {
    pub(super) kinds: &'a [ErrorKind],
    /// What the error's text must have.
    pub(super) words: &'a str,
    /// What it must not have: permissions that are not missing.
    pub(super) others: &'a [String],
    pub(super) secrets: &'a [String],
    /// The service has said clearly that it did nothing.
    pub(super) definite: bool,
    /// No request reached the service.
    pub(super) untouched: bool,
    /// The request met itself, and nothing tells that it did.
    pub(super) nameless: bool,
}

impl Allowed<'_> {
    /// # Errors
    /// What is wrong about `ending` or about what is left.
    pub(super) async fn judge(
        &self,
        stage: &mut Stage,
        operation: Operation,
        ending: &Ending,
    ) -> Result<(), String> {
        match ending {
            Ok(Answer::Right) => {}
            Ok(Answer::Wrong(answer)) => return Err(format!("a wrong answer: {answer}")),
            Err(error) => self.judge_error(stage, error)?,
        }
        if operation.is_about_locks() {
            let told = ending.as_ref().err().is_some_and(|error| self.tells(error));
            return stage.judge_lock(operation, ending, told).await;
        }
        let state = stage.state(operation).await;
        let state = state.map_err(|error| format!("afterwards nobody can read: {error:?}"))?;
        self.judge_state(operation, ending, state)?;
        if let Some(guard) = stage.guard.take() {
            // A lease that ended meanwhile is none of the operation's faults.
            let _ = guard.unlock().await;
        }
        Ok(())
    }

    fn judge_error(&self, stage: &Stage, error: &Error) -> Result<(), String> {
        // A fault that lasts keeps the lease from being renewed as well.
        let lost = stage.guard.as_ref().is_some_and(|guard| guard.check().is_err());
        let explained = lost && error.kind() == ErrorKind::LockLost;
        if !explained && !self.kinds.contains(&error.kind()) {
            return Err(format!("a kind that the fault does not explain: {error:?}"));
        }
        let line = error.to_string();
        if line.is_empty() || line.chars().any(char::is_control) {
            return Err(format!("not one line: {line:?}"));
        }
        if error.operation().is_none() || error.backend().is_none() {
            return Err(format!("operation or backend are not named: {line}"));
        }
        let mut text = format!("{error:?} {line}");
        let mut source = StdError::source(error);
        while let Some(cause) = source {
            text.push_str(&format!(" {cause:?} {cause}"));
            source = cause.source();
        }
        if !explained && !line.contains(self.words) {
            return Err(format!("{:?} is not named: {line}", self.words));
        }
        if let Some(other) = self.others.iter().find(|other| line.contains(*other)) {
            return Err(format!("{other:?} is named as well: {line}"));
        }
        if self.secrets.iter().any(|secret| text.contains(secret)) {
            return Err(format!("a secret shows in the {:?} of an operation", error.kind()));
        }
        Ok(())
    }

    fn judge_state(
        &self,
        operation: Operation,
        ending: &Ending,
        state: State,
    ) -> Result<(), String> {
        let told = || format!("what is left is {state:?} after {ending:?}");
        let done = if operation.reads_only() { State::Old } else { State::New };
        let Err(error) = ending else {
            return if state == done { Ok(()) } else { Err(told()) };
        };
        if self.untouched && state != State::Old {
            return Err(told());
        }
        let unclear = error.may_have_applied();
        let whole = match state {
            State::Broken => false,
            State::Part => operation == Operation::DeleteDirectory && self.tells(error),
            State::New => self.tells(error),
            State::Old => !(unclear && (operation.reads_only() || self.says_no(operation))),
        };
        if whole { Ok(()) } else { Err(told()) }
    }

    /// Whether the error lets the caller know that the operation may be done all the same.
    fn tells(&self, error: &Error) -> bool {
        // Who is told of a conflict reads again, and sees that it is done.
        let met_itself = self.nameless && error.kind() == ErrorKind::Conflict;
        error.may_have_applied() || met_itself
    }

    /// Whether nothing can have been done.
    fn says_no(&self, operation: Operation) -> bool {
        self.definite && (operation.is_single() || self.untouched)
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
