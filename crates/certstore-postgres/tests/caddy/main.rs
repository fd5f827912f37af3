//! The tables of Caddy's plugin: the contract case by case, the rows, and the locks shared with Caddy.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod factory;
mod locks;
mod peer;
mod rows;
mod schema;
mod support;

use certstore_conformance::conformance;

use factory::CaddyFactory;

conformance!(CaddyFactory::default());
