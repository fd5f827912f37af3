//! A storage as one file: a tar archive as `caddy storage export` writes it, Caddy 2.7 and later, and as its
//! `caddy storage import` reads it.
//!
//! An archive holds private keys as they are, whatever seals the storage: keep it as secret as they are.

mod check;
mod export;
mod import;
mod read;

pub use export::{ExportOptions, ExportReport, export};
pub use import::{ImportOptions, ImportReport, import};

#[cfg(test)]
#[path = "archive/archive_tests.rs"]
mod tests;
