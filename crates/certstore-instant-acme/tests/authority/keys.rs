//! Private keys of certificates.

use certstore_instant_acme::{
    Certificate, Error, Issuance, KeyType, Names, PrivateKey, RevocationReason,
};
use rcgen::PublicKeyData as _;

use crate::world::{World, names};

const RSA: &str = include_str!("../fixtures/rsa2048-pkcs1.pem");

fn key_of(certificate: &Certificate) -> PrivateKey {
    PrivateKey::from_pem(certificate.bundle().private_key()).expect("it is a key")
}

async fn renew(issuance: &Issuance, names: &Names) -> Result<PrivateKey, Error> {
    let obtained = issuance.obtain_unless(names, |_| false).await?;
    Ok(key_of(&obtained.certificate))
}

#[tokio::test]
async fn certificates_are_for_the_kind_of_key_that_is_wanted_and_for_keys_that_are_brought() {
    let world = World::new().await;
    let issuance = || world.issuance();
    for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
        let key = renew(&issuance().with_key_type(kind), &names()).await.unwrap();
        assert_eq!(key.kind(), kind);
    }
    rsa_keys_are_made_with_the_feature_alone(&world).await;

    let rsa = PrivateKey::from_pem(RSA).unwrap();
    let brought = issuance().with_private_key(&names(), rsa.clone());
    let key = renew(&brought, &names()).await.unwrap();
    assert_eq!((key.kind(), key.der_bytes()), (KeyType::Rsa, rsa.der_bytes()));
    // It is another name's not.
    let other = renew(&brought, &Names::new(["b.example"]).unwrap()).await.unwrap();
    assert_eq!(other.kind(), KeyType::P256);
    // A stored one is used again.
    let reusing = issuance().with_key_type(KeyType::Rsa).with_reused_private_keys(true);
    assert_eq!(renew(&reusing, &names()).await.unwrap().der_bytes(), rsa.der_bytes());
}

#[cfg(feature = "rsa")]
async fn rsa_keys_are_made_with_the_feature_alone(world: &World) {
    let issuance = world.issuance().with_key_type(KeyType::Rsa);
    let key = renew(&issuance, &names()).await.expect("the CA takes it");
    assert_eq!(key.kind(), KeyType::Rsa);
    let again = renew(&issuance, &names()).await.expect("the CA takes it");
    assert_ne!(again.der_bytes(), key.der_bytes());
}

#[cfg(not(feature = "rsa"))]
async fn rsa_keys_are_made_with_the_feature_alone(world: &World) {
    let orders = world.pebble.orders();
    let issuance = world.issuance().with_key_type(KeyType::Rsa);
    let error = renew(&issuance, &names()).await.expect_err("none is made");
    let cause = std::error::Error::source(&error).expect("it has one").to_string();
    assert!(matches!(error, Error::Unusable { .. }) && !error.is_retryable(), "{error:?}");
    assert!(cause.contains("import one, or use P-256"), "{cause}");
    assert_eq!(world.pebble.orders(), orders, "the CA is not asked");
}

#[tokio::test]
async fn a_key_is_used_again_only_where_it_is_to_be_and_is_safe() {
    let world = World::new().await;
    let issuance = world.issuance();
    let first = renew(&issuance, &names()).await.unwrap();
    let second = renew(&issuance, &names()).await.unwrap();
    assert_ne!(first.der_bytes(), second.der_bytes());
    let reusing = issuance.clone().with_reused_private_keys(true);
    assert_eq!(renew(&reusing, &names()).await.unwrap().der_bytes(), second.der_bytes());
    let other_kind = reusing.clone().with_key_type(KeyType::P384);
    assert_eq!(renew(&other_kind, &names()).await.unwrap().kind(), KeyType::P384);

    let known = renew(&reusing, &names()).await.unwrap();
    reusing.revoke(&names(), RevocationReason::KeyCompromise).await.unwrap();
    let brought = issuance.clone().with_private_key(&names(), known.clone());
    let error = renew(&brought, &names()).await.unwrap_err();
    assert!(error.to_string().contains("revoked as compromised; bring another"), "{error}");
    // As if another tool had stored a certificate for it again.
    let kept = world.storage.load(&compromised(&world)).await.unwrap();
    assert_eq!(&*kept, known.pem().expose().as_bytes());
    assert_ne!(renew(&reusing, &names()).await.unwrap().der_bytes(), known.der_bytes());
}

#[tokio::test]
async fn a_key_that_the_ca_itself_calls_compromised_is_not_used_again() {
    let world = World::new().await;
    let reusing = world.issuance().with_reused_private_keys(true);
    let first = renew(&reusing, &names()).await.unwrap();
    let stored = reusing.load(&names()).await.unwrap().unwrap();
    reusing.put_private_key_aside(&names(), |found| *found != stored).await.unwrap();
    assert!(!world.storage.exists(&compromised(&world)).await.unwrap(), "it is of another one");
    assert_eq!(renew(&reusing, &names()).await.unwrap().der_bytes(), first.der_bytes());
    reusing.put_private_key_aside(&names(), |_| true).await.unwrap();
    let kept = world.storage.load(&compromised(&world)).await.unwrap();
    assert_eq!(&*kept, first.pem().expose().as_bytes());
    assert!(reusing.load(&names()).await.unwrap().is_some(), "the certificate stays");
    assert_ne!(renew(&reusing, &names()).await.unwrap().der_bytes(), first.der_bytes());
}

fn compromised(world: &World) -> certstore_core::Key {
    let issuer = world.ca().issuer().to_owned();
    certstore_core::StorageKeys::site_compromised_key(&issuer, crate::world::NAME).expect("a key")
}
