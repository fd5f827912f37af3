//! The address of a fleet: where the CA looks for HTTP-01. It orders nothing; what it answers comes from the storage.

use certstore_conformance::servers::Pebble;
use certstore_instant_acme::Ca;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::obtain::{open, serve_challenges};

/// Answers until it is dropped.
pub(crate) struct Front {
    _runtime: Runtime,
}

impl Front {
    pub(crate) fn start(storage: &str, pebble: &Pebble) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let ca = Ca::new(pebble.directory());
        let listener = TcpListener::bind(("127.0.0.1", pebble.http_port()));
        let listener = runtime.block_on(listener).expect("the port is free");
        let storage = runtime.block_on(open(storage));
        runtime.spawn(serve_challenges(listener, storage, ca));
        Self { _runtime: runtime }
    }
}
