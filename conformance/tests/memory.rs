//! The memory backend against the whole contract.

certstore_conformance::conformance!(certstore_conformance::MemoryFactory::new());
