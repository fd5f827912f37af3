//! What a lookup costs, counted: this program's allocator counts.

use std::sync::Arc;

use allocation_counter::measure;
use certstore_acme::{Cache, CacheOptions, Certificate, Hello};
use rcgen::{CertificateParams, KeyPair};
use rustls::SignatureScheme;

fn certificate(names: &[&str]) -> Certificate {
    let key = KeyPair::generate().expect("the test can go on");
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let chain = CertificateParams::new(names)
        .expect("the test can go on")
        .self_signed(&key)
        .expect("the test can go on");
    Certificate::from_pem(&chain.pem(), &key.serialize_pem()).expect("the test can go on")
}

#[test]
fn a_lookup_allocates_nothing() {
    let mut options = CacheOptions::default();
    options.fallback_name = Some("fallback.example".to_owned());
    let cache = Cache::with_options(options).unwrap();
    let long = format!("{}.{}.example.com", "a".repeat(60), "b".repeat(60));
    for names in
        [&["example.com", "www.example.com", &long][..], &["*.example.com"], &["192.0.2.1"]]
    {
        cache.insert(certificate(names));
        cache.insert(certificate(names));
    }
    cache.insert(certificate(&["alone.example"]));
    let schemes = [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256];
    let address = [192, 0, 2, 1].into();
    let hellos = [
        Hello::named("alone.example"),
        Hello::named("www.example.com"),
        Hello::named("WWW.EXAMPLE.COM"),
        Hello::named(&long),
        Hello::named("other.example.com").with_schemes(&schemes),
        Hello::named("nothing.example.org"),
        Hello::default().at(address),
        Hello::default(),
    ];
    // A thread registers with the tables when it first looks.
    let found: Vec<bool> = hellos.iter().map(|hello| cache.find_key(hello).is_some()).collect();
    assert_eq!(found, [true, true, true, true, true, false, true, false]);
    for hello in &hellos {
        let counted = measure(|| drop(cache.find_key(hello)));
        assert_eq!(counted.count_total, 0, "{hello:?}");
    }
    assert!(measure(|| drop(cache.certificates())).count_total > 0, "the allocator counts");
}

/// Tables that grow and shrink lose nothing on the way.
#[test]
fn a_name_stays_found_while_others_come_and_go() {
    let cache = Arc::new(Cache::new());
    cache.insert(certificate(&["busy.example"]));
    let others: Vec<Certificate> =
        (0..50).map(|one| certificate(&[&format!("{one}.example")])).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..200 {
                for other in &others {
                    cache.insert(other.clone());
                }
                for other in &others {
                    cache.remove(other.hash());
                }
            }
        });
        let mut looked = 0_u64;
        while !writer.is_finished() || looked == 0 {
            assert!(cache.find_key(&Hello::named("busy.example")).is_some());
            looked += 1;
        }
    });
    assert_eq!(cache.len(), 1);
}
