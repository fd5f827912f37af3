//! The layout of the Caddy plugin: its bytes, its directories, its locks.

mod conformance;
mod data;
mod locks;
mod peer;
mod plugin;
mod refusals;
mod support;
