//! The contract, with deleted values that can be restored.

#[path = "support/own.rs"]
mod own;
mod support;

use certstore_secretsmanager::Deleting;

certstore_conformance::conformance!(own::factory("secretsmanager, recover", Deleting::Recover));
