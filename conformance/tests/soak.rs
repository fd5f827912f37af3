//! Locks in memory under fire, in threads for processes, and what several clients see.

use certstore_conformance::MemoryFactory;

certstore_conformance::soak!(MemoryFactory::new());
certstore_conformance::history!(MemoryFactory::new());
