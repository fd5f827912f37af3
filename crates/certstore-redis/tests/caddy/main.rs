//! The layout of the Caddy plugin: its bytes, its directories, its locks.

mod cluster;
mod conformance;
mod data;
mod locks;
mod peer;
mod plugin;
mod refusals;
mod servers;
mod support;
