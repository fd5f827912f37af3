//! The contract, on files.

mod support;

certstore_conformance::conformance!(support::FsFactory);
