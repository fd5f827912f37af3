//! The real program: every command, every exit code, and what users get wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archives;
mod bad_input;
mod certificates;
mod cleaning;
mod doctor;
mod handing;
mod lock;
mod obtaining;
mod proxying;
mod sealing;
mod serving;
mod support;
mod tools;
mod values;
mod watching;
