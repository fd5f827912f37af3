//! Accounts that are bound to a customer's (RFC 8555, section 7.3.4).

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use certstore_conformance::servers::{Pebble, PebbleOptions};
use certstore_instant_acme::{AccountStore, Error, Issuance, StoredChallenges};
use instant_acme::ExternalAccountKey;

use crate::world::{World, names};

const KID: &str = "kid-1";
const SECRET: [u8; 32] = [7; 32];

async fn world() -> World {
    let options = PebbleOptions::new().account_key(KID, &BASE64_URL_SAFE_NO_PAD.encode(SECRET));
    World::at(Pebble::start_with(options).expect("Pebble starts")).await
}

fn bound(world: &World, secret: &[u8]) -> Issuance {
    let accounts = AccountStore::new(world.storage.clone(), world.ca()).expect("the CA gives keys");
    let accounts = accounts.with_external_account(ExternalAccountKey::new(KID.into(), secret));
    let responder = Arc::new(StoredChallenges::new(world.storage.clone(), &world.ca()));
    Issuance::new(Arc::new(accounts), responder)
}

#[tokio::test]
async fn a_ca_that_wants_a_binding_refuses_without_and_takes_the_right_one() {
    let world = world().await;
    let wrong = bound(&world, &[8; 32]).obtain(&names()).await.unwrap_err();
    assert!(matches!(wrong, Error::Refused { step: "register an account", .. }), "{wrong:?}");
    assert!(bound(&world, &SECRET).obtain(&names()).await.is_ok());
    // The account is there, and needs no binding any more.
    assert!(world.issuance().obtain_unless(&names(), |_| false).await.is_ok());
}

#[tokio::test]
async fn without_a_binding_nothing_is_ordered() {
    let world = world().await;
    let refused = world.issuance().obtain(&names()).await.unwrap_err();
    let problem = refused.problem().unwrap().to_string();
    assert!(problem.contains("externalAccountRequired"), "{problem}");
    assert!(!refused.is_retryable());
    assert_eq!(world.pebble.orders(), 0);
    // What it left behind does not stand in the way of the binding.
    assert!(bound(&world, &SECRET).obtain(&names()).await.is_ok());
}
