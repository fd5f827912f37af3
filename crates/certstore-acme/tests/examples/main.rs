//! Each example serves a page to a client that trusts the internal authority.

#![cfg(unix)]

use std::net::SocketAddr;
use std::sync::Arc;

use certstore_acme::InternalIssuer;
use certstore_conformance::servers::https_get;
use certstore_core::{MemoryStorage, Storage};

macro_rules! example {
    ($name:ident, $path:literal, $demands:literal) => {
        #[path = $path]
        #[expect(dead_code, reason = "a test begins where its main ends")]
        mod $name;

        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let (storage, root) = storage().await;
            let names = vec!["localhost".to_owned()];
            let (address, serving) = $name::start(storage, names, free()).await.unwrap();
            let serving = tokio::spawn(serving);
            for (name, served) in
                [("localhost", true), ("a.demand.localhost", $demands), ("other.localhost", false)]
            {
                let root = root.clone();
                let got = tokio::task::spawn_blocking(move || {
                    https_get(address, root.as_bytes(), name, "/page")
                });
                let got = got.await.unwrap();
                assert_eq!(
                    got.as_deref().ok(),
                    served.then_some("hello from /page"),
                    "{name}: {got:?}"
                );
            }
            serving.abort();
        }
    };
}

example!(axum, "../../examples/axum.rs", true);
example!(axum_server, "../../examples/axum_server.rs", false);
example!(hyper, "../../examples/hyper.rs", true);
example!(tokio_rustls, "../../examples/tokio_rustls.rs", true);

fn free() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

async fn storage() -> (Arc<dyn Storage>, String) {
    let storage = Arc::new(MemoryStorage::new());
    let root = InternalIssuer::new(storage.clone()).root().await.expect("the test can go on");
    (storage, root)
}
