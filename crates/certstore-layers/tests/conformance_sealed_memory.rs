//! The contract, on sealed memory that is marked as such.

mod seal_support;

use certstore_conformance::{MemoryFactory, conformance};
use seal_support::sealed;

conformance!(sealed("sealed memory", MemoryFactory::new(), true));
