//! The contract, on the loopback server, whose lists lag five minutes behind.

#[path = "support/own.rs"]
mod own;
mod support;

use certstore_secretsmanager::Deleting;

certstore_conformance::conformance!(own::factory("secretsmanager", Deleting::Force));
