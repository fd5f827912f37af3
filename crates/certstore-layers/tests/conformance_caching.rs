//! The contract, on the caching store with a local copy: over memory, over memory with the copy in a storage, and over
//! PostgreSQL.

#![cfg(feature = "caching")]

#[path = "../../certstore-postgres/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use certstore_conformance::{Factory, Layered, MemoryFactory};
use certstore_core::{MemoryStorage, Storage};
use certstore_layers::caching::{CachingOptions, CachingStore, CopyOptions};

/// Caching stores over the storages of another factory. Each client has a copy of its own.
fn cached<F: Factory>(name: &'static str, inner: F, in_storage: bool) -> impl Factory {
    Layered::new(name, inner, move |backing| {
        Box::pin(async move {
            let mut copy = CopyOptions::new();
            if in_storage {
                copy = copy.storage(Arc::new(MemoryStorage::new()));
            }
            let (local, options) = (MemoryStorage::new(), CachingOptions::new().copy(copy));
            let store = CachingStore::open(Arc::new(local), backing, &options).await?;
            Ok(Arc::new(store) as Arc<dyn Storage>)
        })
    })
}

mod memory {
    use super::{Factory, MemoryFactory, cached};

    fn factory() -> impl Factory {
        cached("caching memory", MemoryFactory::new(), false)
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}

mod memory_in_storage {
    use super::{Factory, MemoryFactory, cached};

    fn factory() -> impl Factory {
        cached("caching memory in storage", MemoryFactory::new(), true)
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}

mod postgres {
    use certstore_conformance::servers::PostgresServer;

    use super::support::factory::{PostgresFactory, Variant};
    use super::{Factory, cached};

    const PLAIN: Variant =
        Variant { name: "postgres", port: PostgresServer::port, options: &[], env: Vec::new };

    fn factory() -> impl Factory {
        cached("caching postgres", PostgresFactory::new(PLAIN), false)
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}
