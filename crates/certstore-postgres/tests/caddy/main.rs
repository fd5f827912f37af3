//! The tables of Caddy's plugin: the contract case by case, the rows, and the locks shared with Caddy.

mod factory;
mod locks;
mod peer;
mod rows;
mod schema;
mod support;

use certstore_conformance::conformance;

use factory::CaddyFactory;

conformance!(CaddyFactory::default());
