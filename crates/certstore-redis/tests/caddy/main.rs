//! The layout of the Caddy plugin: its bytes, its directories, its locks.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by a panic")]

mod cluster;
mod conformance;
mod data;
mod locks;
mod peer;
mod plugin;
mod refusals;
mod servers;
mod support;
