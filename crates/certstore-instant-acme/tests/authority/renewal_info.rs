//! When the CA would have certificates renewed (RFC 9773), and what an order replaces.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore::bundle::CertificateBundle;
use certstore_conformance::servers::{Pebble, PebbleOptions};
use certstore_instant_acme::{Ca, Certificate, Origin};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use crate::recording::Recording;
use crate::world::{World, leaf, names};

/// A world whose CA gives renewal information, and what is said to it.
async fn world() -> (World, Recording, Ca) {
    let pebble = Pebble::start_with(PebbleOptions::new().newer()).expect("the newer Pebble starts");
    let world = World::at(pebble).await;
    let recording = Recording::new(&world.pebble.api_root());
    let ca = world.ca().with_http(Arc::new(recording.clone()));
    (world, recording, ca)
}

#[tokio::test]
async fn the_ca_says_when_and_a_time_is_chosen_once_for_all() {
    let (world, recording, ca) = world().await;
    let (one, other) = (world.issuance_at(ca.clone()), world.issuance_at(ca));
    let obtained = one.obtain(&names()).await.unwrap().certificate;
    assert!(obtained.renewal_info().is_none());
    let again = one.refresh_renewal_info(&names()).await.unwrap().unwrap();
    assert!(again > SystemTime::now() + Duration::from_secs(30), "{again:?}");
    let stored = other.load(&names()).await.unwrap().unwrap();
    let info = stored.renewal_info().unwrap();
    let (selected, (start, end)) = (info.selected_time().unwrap(), info.window());
    assert!((start..=end).contains(&selected), "{info:?}");
    assert!(stored.not_before() < start && end < stored.not_after(), "{info:?}");
    assert_eq!(other.refresh_renewal_info(&names()).await.unwrap(), Some(again));
    assert_eq!(recording.sent("/draft-ietf-acme-ari").len(), 1, "{:?}", recording.sent(""));
    assert!(!stored.is_due(SystemTime::now()));
    let said =
        |user_agent: &str| recording.sent("").iter().all(|sent| sent.user_agent == user_agent);
    assert!(said(concat!("certstore/", env!("CARGO_PKG_VERSION"))), "{:?}", recording.sent(""));
}

#[tokio::test]
async fn an_order_says_what_it_replaces_and_where_that_is_replaced_already_it_does_not() {
    let (world, recording, ca) = world().await;
    let issuance = world.issuance_at(ca);
    let first = issuance.obtain(&names()).await.unwrap().certificate;
    let orders = || recording.sent("/order-plz");
    assert!(orders()[0].payload.get("replaces").is_none());
    let second = issuance.obtain_unless(&names(), |found| *found != first).await.unwrap();
    assert_eq!(second.origin, Origin::Ordered);
    assert_eq!(orders().len(), 2);
    let replaces = orders()[1].payload["replaces"].as_str().unwrap().to_owned();
    let keys = certstore::bundle::BundleKeys::new(world.ca().issuer(), crate::world::NAME).unwrap();
    // As if the renewal had not been stored: the same certificate is replaced a second time.
    first.bundle().store(&*world.storage, &keys).await.unwrap();
    let third = issuance.obtain_unless(&names(), |found| *found != first).await.unwrap();
    assert_eq!(third.origin, Origin::Ordered);
    let said: Vec<Option<String>> = orders()[2..]
        .iter()
        .map(|order| order.payload.get("replaces").and_then(|id| id.as_str()).map(str::to_owned))
        .collect();
    assert_eq!(said, [Some(replaces), None]);
    assert_eq!(world.pebble.orders(), 3, "one order a certificate");
}

/// Pebble looks for the order of a certificate by its serial number, misses one in 256, and calls that a fault of its own.
#[tokio::test]
async fn a_ca_that_does_not_find_what_is_replaced_holds_up_no_renewal() {
    let (world, recording, ca) = world().await;
    let issuance = world.issuance_at(ca);
    let first = issuance.obtain(&names()).await.unwrap().certificate;
    let unknown = of_the_same_authority(&first);
    let keys = certstore::bundle::BundleKeys::new(world.ca().issuer(), crate::world::NAME).unwrap();
    unknown.store(&*world.storage, &keys).await.unwrap();
    let stored = issuance.load(&names()).await.unwrap().unwrap();
    assert!(stored != first);
    let renewed = issuance.obtain_unless(&names(), |found| *found != stored).await.unwrap();
    assert_eq!(renewed.origin, Origin::Ordered);
    let orders = recording.sent("/order-plz");
    let said: Vec<bool> =
        orders.iter().map(|order| order.payload.get("replaces").is_some()).collect();
    assert_eq!(said, [false, true, false]);
    assert_eq!(world.pebble.orders(), 2, "one order a certificate");
}

/// A certificate that says of itself that it is of the same authority, and that the authority does not know.
fn of_the_same_authority(known: &Certificate) -> CertificateBundle {
    let leaf = leaf(known);
    let (_, parsed) = X509Certificate::from_der(&leaf).expect("it is a certificate");
    let authority = parsed.extensions().iter().find_map(|one| match one.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(of) => of.key_identifier.as_ref().map(|id| id.0),
        _ => None,
    });
    let authority = authority.expect("it names its authority's key");
    let length = u8::try_from(authority.len()).expect("it is short");
    let content = [&[0x30, length + 2, 0x80, length], authority].concat();
    let mut params = CertificateParams::new(names().as_slice()).expect("names");
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 35], content)];
    let key = KeyPair::generate().expect("a key");
    let chain = params.self_signed(&key).expect("a certificate").pem();
    let metadata = known.bundle().metadata().clone();
    CertificateBundle::new(chain, key.serialize_pem(), metadata).expect("they belong together")
}
