//! The contract, on the small layers over memory.

use std::sync::Arc;

use certstore_conformance::{Layered, MemoryFactory};
use certstore_core::{Key, Storage};
use certstore_layers::prefix::PrefixStorage;
use certstore_layers::trace::TraceStorage;

mod prefix {
    use super::{Arc, Key, Layered, MemoryFactory, PrefixStorage, Storage};

    fn factory() -> impl certstore_conformance::Factory {
        Layered::new("memory below a prefix", MemoryFactory::new(), |inner| {
            Box::pin(async move {
                // Neighbours that are not to show.
                for neighbour in ["prod-a/eu/a", "prod/eu-a", "prod/e"] {
                    inner.store(&Key::new(neighbour)?, b"of somebody else").await?;
                }
                let layer = PrefixStorage::new(inner, Key::new("prod/eu")?);
                Ok(Arc::new(layer) as Arc<dyn Storage>)
            })
        })
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}

mod trace {
    use super::{Arc, Layered, MemoryFactory, Storage, TraceStorage};

    fn factory() -> impl certstore_conformance::Factory {
        Layered::new("traced memory", MemoryFactory::new(), |inner| {
            Box::pin(async move { Ok(Arc::new(TraceStorage::new(inner)) as Arc<dyn Storage>) })
        })
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}
