//! The real program: every command, every exit code, and what users get wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod certificates;
mod lock;
mod sealing;
mod support;
mod tools;
mod values;
