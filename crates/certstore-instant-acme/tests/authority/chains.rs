//! Chains to other roots (RFC 8555, section 7.4.2).

use certstore_conformance::servers::{Pebble, PebbleOptions};
use certstore_instant_acme::{Certificate, PreferredChain};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::orders::obtained_by;
use crate::world::World;

/// The common names of the subject and the issuer of the last certificate of a chain.
fn last(pem: &str) -> [String; 2] {
    let der = CertificateDer::pem_slice_iter(pem.as_bytes()).last().expect("a certificate");
    let der = der.expect("it is PEM");
    let (_, parsed) = X509Certificate::from_der(&der).expect("it is a certificate");
    [parsed.subject(), parsed.issuer()].map(|name| {
        let name = name.iter_common_name().next().expect("it has a name");
        name.as_str().expect("it is text").to_owned()
    })
}

#[tokio::test]
async fn the_chain_to_the_root_that_is_preferred_is_taken_and_else_the_first() {
    // A nonce of ours may be refused as well.
    let options = PebbleOptions::new().alternate_roots(2).nonce_rejection(15);
    let world = World::at(Pebble::start_with(options).expect("Pebble starts")).await;
    let roots = [0, 1, 2].map(|root| last(&world.pebble.root(root).expect("a root"))[0].clone());
    assert!(roots[0] != roots[1] && roots[1] != roots[2], "{roots:?}");
    let root_of = |certificate: &Certificate| last(certificate.bundle().chain())[1].clone();
    assert_eq!(root_of(&retried(&world, None).await), roots[0]);
    for root in &roots {
        let wanted = PreferredChain::Root(vec!["none such".into(), root.clone()]);
        assert_eq!(root_of(&retried(&world, Some(wanted)).await), *root);
    }
    let any = PreferredChain::Any(vec![roots[2].clone()]);
    assert_eq!(root_of(&retried(&world, Some(any)).await), roots[2]);
    let none = PreferredChain::Root(vec!["none such".into()]);
    assert_eq!(root_of(&retried(&world, Some(none)).await), roots[0]);
}

/// Nonces that are refused several times in a row end a step, which is then resumed.
async fn retried(world: &World, chain: Option<PreferredChain>) -> Certificate {
    let issuance = match chain {
        Some(chain) => world.issuance().with_preferred_chain(chain),
        None => world.issuance(),
    };
    obtained_by(&issuance).await
}
