//! What the repository does to itself. Each command is one file; [`run`] finds it.

#![expect(clippy::print_stdout, reason = "this is a program for a terminal")]

mod bench;
mod blocks;
mod clauses;
mod commands;
mod conformance;
mod demo;
mod docs;
mod metadata;
mod new_backend;
mod outside;
mod package;
mod programs;
mod report;
mod setup;
mod shell;
mod soak;
mod test;
mod test_programs;
mod tidy;

pub use commands::run;

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
