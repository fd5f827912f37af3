use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore::bundle::{BundleMetadata, CertificateBundle};
use certstore_core::ErrorKind;
use rcgen::CertificateParams;
use rustls::SignatureScheme;
use time::OffsetDateTime;

use super::*;
use crate::test_clock::SetClock;
use crate::{KeyType, PrivateKey};

const NOW: u64 = 1_900_000_000;
const DAY: u64 = 86_400;

fn at(unix: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix)
}

/// Makes certificates with a few keys.
struct Maker {
    p256: PrivateKey,
    ed25519: PrivateKey,
    rsa: PrivateKey,
}

impl Maker {
    fn new() -> Self {
        let rsa = include_str!("../../tests/fixtures/rsa2048-pkcs1.pem");
        Self {
            p256: PrivateKey::generate(KeyType::P256).unwrap(),
            ed25519: PrivateKey::generate(KeyType::Ed25519).unwrap(),
            rsa: PrivateKey::from_pem(rsa).unwrap(),
        }
    }

    fn made(
        &self,
        names: &[&str],
        key: &PrivateKey,
        ends: u64,
        issuer: Option<&str>,
    ) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let date =
            |unix: u64| OffsetDateTime::from_unix_timestamp(unix.try_into().unwrap()).unwrap();
        params.not_before = date(ends - 90 * DAY);
        params.not_after = date(ends);
        let chain = params.self_signed(key).unwrap().pem();
        let bundle =
            CertificateBundle::new(&chain, key.pem().expose(), BundleMetadata::default()).unwrap();
        Certificate::of(&bundle, issuer).unwrap()
    }

    fn unmanaged(&self, names: &[&str]) -> Certificate {
        self.made(names, &self.p256, NOW + 60 * DAY, None)
    }

    fn managed(&self, name: &str) -> Certificate {
        self.made(&[name], &self.p256, NOW + 60 * DAY, Some("local"))
    }
}

fn cache(change: impl FnOnce(&mut CacheOptions)) -> Cache {
    let mut options = CacheOptions::default();
    change(&mut options);
    Cache::with_clock(options, SetClock::at(at(NOW))).unwrap()
}

fn served(cache: &Cache, name: &str) -> Option<Certificate> {
    found(cache, &Hello::named(name))
}

/// Whichever way it is asked for.
fn found(cache: &Cache, hello: &Hello<'_>) -> Option<Certificate> {
    let found = cache.find(hello);
    let key = cache.find_key(hello);
    assert_eq!(
        found.as_ref().map(|found| Arc::as_ptr(found.certified_key())),
        key.map(|key| Arc::as_ptr(&key))
    );
    found
}

#[test]
fn a_name_has_its_own_certificate_or_that_of_the_wildcard_above_it() {
    let (cache, maker) = (cache(|_| {}), Maker::new());
    let own = maker.unmanaged(&["www.example.com", "example.com"]);
    let wildcard = maker.unmanaged(&["*.example.com"]);
    for certificate in [&own, &wildcard] {
        assert_eq!(cache.insert(certificate.clone()), None);
    }
    for (name, expected) in [
        ("www.example.com", Some(&own)),
        ("WWW.Example.COM", Some(&own)),
        ("www.example.com.", Some(&own)),
        ("example.com", Some(&own)),
        ("mail.example.com", Some(&wildcard)),
        ("a.mail.example.com", None),
        ("example.org", None),
        ("com", None),
        ("", None),
        (".", None),
    ] {
        assert_eq!(served(&cache, name).as_ref(), expected, "{name}");
        assert_eq!(cache.covers(name), expected.is_some(), "{name}");
    }
    assert_eq!(served(&cache, &"A".repeat(300)), None);
    assert_eq!(cache.find(&Hello::default()), None);
    assert_eq!(cache.certificates_of("*.example.com"), [wildcard]);
    assert!(cache.certificates_of("mail.example.com").is_empty());
}

#[test]
fn an_address_is_the_connections_or_named() {
    let (cache, maker) = (cache(|_| {}), Maker::new());
    let four = maker.unmanaged(&["192.0.2.1"]);
    let six = maker.unmanaged(&["2001:db8::1"]);
    cache.insert(four.clone());
    cache.insert(six.clone());
    let to = |address: &str| cache.find(&Hello::default().at(address.parse().unwrap()));
    assert_eq!(to("192.0.2.1").as_ref(), Some(&four));
    assert_eq!(to("::ffff:192.0.2.1").as_ref(), Some(&four), "on a socket for both families");
    assert_eq!(to("2001:db8::1").as_ref(), Some(&six));
    assert_eq!(to("192.0.2.2"), None);
    assert_eq!(served(&cache, "2001:DB8::1").as_ref(), Some(&six));
    let named = Hello::named("example.com").at("192.0.2.1".parse().unwrap());
    assert_eq!(cache.find(&named), None, "who names another wants another");
}

#[test]
fn who_names_none_gets_the_default_and_who_is_unknown_the_fallback() {
    let maker = Maker::new();
    let cache = cache(|options| {
        options.default_name = Some("Default.example".to_owned());
        options.fallback_name = Some("any.fallback.example".to_owned());
    });
    let address = "192.0.2.1".parse().unwrap();
    assert_eq!(cache.find(&Hello::default()), None);
    let default = maker.unmanaged(&["default.example"]);
    let fallback = maker.unmanaged(&["*.fallback.example"]);
    cache.insert(default.clone());
    cache.insert(fallback.clone());
    assert_eq!(cache.find(&Hello::default()).as_ref(), Some(&default));
    assert_eq!(cache.find(&Hello::default().at(address)).as_ref(), Some(&default));
    assert_eq!(served(&cache, "unknown.example").as_ref(), Some(&fallback));
    assert!(!cache.covers("unknown.example"));
    let own = maker.unmanaged(&["192.0.2.1"]);
    cache.insert(own.clone());
    assert_eq!(cache.find(&Hello::default().at(address)), Some(own));
    let default_name = Some("no name".to_owned());
    let wrong = CacheOptions { default_name, ..CacheOptions::default() };
    assert_eq!(Cache::with_options(wrong).unwrap_err().kind(), ErrorKind::InvalidKey);
}

#[test]
fn of_several_the_one_that_suits_is_served() {
    let (cache, maker) = (cache(|_| {}), Maker::new());
    let made = |key, ends| maker.made(&["example.com"], key, ends, None);
    let rsa = made(&maker.rsa, NOW + 50 * DAY);
    let sooner = made(&maker.p256, NOW + 10 * DAY);
    let later = made(&maker.p256, NOW + 20 * DAY);
    let ed25519 = made(&maker.ed25519, NOW + 60 * DAY);
    let expired = made(&maker.p256, NOW);
    let early = made(&maker.p256, NOW + 91 * DAY);
    let all = [&rsa, &sooner, &later, &ed25519, &expired, &early];
    let old = &[SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::RSA_PSS_SHA256][..];
    let new = &[SignatureScheme::RSA_PSS_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256][..];
    let other_curve = &[SignatureScheme::ECDSA_NISTP384_SHA384, SignatureScheme::ED25519][..];
    let unknown = &[SignatureScheme::Unknown(0xfefe)][..];
    let to = |schemes| found(&cache, &Hello::named("example.com").with_schemes(schemes)).unwrap();
    // Whatever the order they come in, the same is served.
    for turn in 0..all.len() {
        for certificate in all.iter().cycle().skip(turn).take(all.len()) {
            cache.insert((*certificate).clone());
        }
        assert_eq!(cache.len(), all.len());
        assert_eq!(to(new), later);
        assert_eq!(to(old), rsa);
        assert_eq!(to(other_curve), ed25519);
        assert_eq!(to(unknown), later, "the handshake says that it cannot");
        assert_eq!(served(&cache, "example.com"), Some(later.clone()));
        for certificate in all {
            assert!(cache.remove(certificate.hash()).is_some());
        }
        assert_eq!(served(&cache, "example.com"), None);
    }
    cache.insert(expired.clone());
    assert_eq!(to(new), expired, "rather than none");
    cache.insert(early.clone());
    assert_eq!(to(new), early);
    cache.insert(rsa.clone());
    assert_eq!(to(new), rsa, "one that is valid");
    cache.remove(rsa.hash());
    let expired_rsa = made(&maker.rsa, NOW - DAY);
    cache.insert(expired_rsa.clone());
    cache.insert(sooner.clone());
    assert_eq!(to(new), sooner);
    assert_eq!(to(old), expired_rsa, "it says what is wrong, which no common signature does not");
}

#[test]
fn a_wildcard_that_suits_goes_before_a_name_that_does_not() {
    let (cache, maker) = (cache(|_| {}), Maker::new());
    let expired = maker.made(&["www.example.com"], &maker.p256, NOW, None);
    let wildcard = maker.made(&["*.example.com"], &maker.rsa, NOW + DAY, None);
    cache.insert(expired.clone());
    cache.insert(wildcard.clone());
    let name = Hello::named("www.example.com");
    assert_eq!(found(&cache, &name), Some(wildcard.clone()));
    let only_ecdsa = [SignatureScheme::ECDSA_NISTP256_SHA256];
    assert_eq!(found(&cache, &name.with_schemes(&only_ecdsa)), Some(expired));
}

#[test]
fn a_replaced_one_is_gone_everywhere_and_its_names_are_never_without() {
    let (cache, maker) = (Arc::new(cache(|_| {})), Maker::new());
    let made = |names: &[&str], ends| maker.made(names, &maker.p256, ends, Some("local"));
    let mut current = made(&["a.example", "b.example"], NOW + DAY);
    cache.insert(current.clone());
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (cache, done) = (Arc::clone(&cache), Arc::clone(&done));
        std::thread::spawn(move || {
            let (mut looked, mut last) = (0_u64, at(0));
            while !done.load(Ordering::SeqCst) || looked == 0 {
                let found = cache.find(&Hello::named("a.example")).expect("the old or the new one");
                assert!(found.not_after() >= last, "an older one came back");
                last = found.not_after();
                assert!(cache.find_key(&Hello::named("a.example")).is_some());
                looked += 1;
            }
            looked
        })
    };
    for turn in 2..200 {
        let names: &[&str] =
            if turn % 2 == 0 { &["a.example", "c.example"] } else { &["a.example", "b.example"] };
        let next = made(names, NOW + DAY + turn);
        assert_eq!(cache.replace(current.hash(), next.clone()), None);
        current = next;
        let (there, gone) =
            if turn % 2 == 0 { ("c.example", "b.example") } else { ("b.example", "c.example") };
        assert_eq!(served(&cache, there), Some(current.clone()));
        assert_eq!(served(&cache, gone), None);
        assert_eq!(cache.certificates(), std::slice::from_ref(&current));
    }
    done.store(true, Ordering::SeqCst);
    assert!(reader.join().expect("no assertion fails") > 0);
}

#[test]
fn the_same_one_again_is_no_second_one() {
    let (cache, maker) = (cache(|_| {}), Maker::new());
    let (first, second) =
        (maker.unmanaged(&["a.example"]), maker.unmanaged(&["b.example", "a.example"]));
    cache.insert(first.clone());
    let stapled =
        CertifiedKey { ocsp: Some(vec![1]), ..CertifiedKey::clone(first.certified_key()) };
    let stapled = Certificate::from_rustls(Arc::new(stapled)).unwrap();
    cache.insert(stapled);
    assert_eq!(cache.find_key(&Hello::named("a.example")).unwrap().ocsp, Some(vec![1]));
    assert_eq!(cache.len(), 1);
    cache.insert(second.clone());
    cache.replace(first.hash(), second.clone());
    assert_eq!(cache.certificates(), std::slice::from_ref(&second));
    assert_eq!(cache.certificates_of("a.example"), std::slice::from_ref(&second));
    cache.replace("of none", second.clone());
    assert_eq!((cache.len(), cache.get(second.hash())), (1, Some(second.clone())));
    assert_eq!(cache.remove(first.hash()), None);
    assert_eq!(cache.remove(second.hash()), Some(second));
    assert!(cache.is_empty() && served(&cache, "b.example").is_none());
}

#[test]
fn over_capacity_an_unused_managed_one_goes() {
    let maker = Maker::new();
    let cache = cache(|options| options.capacity = NonZeroUsize::new(4));
    let own = maker.unmanaged(&["own.example"]);
    cache.insert(own.clone());
    for name in ["busy.example", "b.example", "c.example"] {
        assert_eq!(cache.insert(maker.managed(name)), None);
    }
    for number in 0..100 {
        served(&cache, "busy.example").expect("what is in use stays");
        let gone = cache.insert(maker.managed(&format!("{number}.example"))).expect("it is full");
        assert!(gone.issuer().is_some() && gone.names() != ["busy.example"], "{gone:?}");
        assert_eq!(served(&cache, &gone.names()[0]), None);
        assert_eq!(cache.len(), 4);
        assert_eq!(served(&cache, "own.example"), Some(own.clone()));
    }
    // A renewal takes the place of the old one, and drives out none.
    let busy = cache.certificates_of("busy.example").remove(0);
    let renewed = maker.made(&["busy.example"], &maker.p256, NOW + 80 * DAY, Some("local"));
    assert_eq!(cache.replace(busy.hash(), renewed.clone()), None);
    assert_eq!((cache.len(), served(&cache, "busy.example")), (4, Some(renewed)));
}

#[test]
fn when_all_are_in_use_one_goes_all_the_same_and_unmanaged_ones_never() {
    let maker = Maker::new();
    let cache = cache(|options| options.capacity = NonZeroUsize::new(2));
    for name in ["a.example", "b.example", "c.example"] {
        assert_eq!(cache.insert(maker.unmanaged(&[name])), None);
    }
    let first = maker.managed("d.example");
    assert_eq!(cache.insert(first.clone()), None, "there is none to go");
    let second = maker.managed("e.example");
    served(&cache, "d.example");
    assert_eq!(cache.insert(second.clone()), Some(first));
    assert_eq!(cache.remove(second.hash()), Some(second));
    assert_eq!(cache.insert(maker.managed("f.example")), None);
    assert_eq!(cache.len(), 4);
}

#[test]
fn removals_in_any_order_keep_the_ring_whole() {
    let maker = Maker::new();
    let cache = cache(|options| options.capacity = NonZeroUsize::new(8));
    let made: Vec<_> = (0..8).map(|number| maker.managed(&format!("{number}.example"))).collect();
    for certificate in &made {
        cache.insert(certificate.clone());
    }
    for number in [0, 7, 3, 5] {
        assert!(cache.remove(made[number].hash()).is_some());
    }
    for number in 10..14 {
        assert_eq!(cache.insert(maker.managed(&format!("{number}.example"))), None);
    }
    let mut gone: Vec<_> = (20..28)
        .map(|number| {
            cache.insert(maker.managed(&format!("{number}.example"))).expect("it is full")
        })
        .map(|gone| gone.names()[0].clone())
        .collect();
    gone.sort_unstable();
    gone.dedup();
    assert_eq!(gone.len(), 8, "each went once");
    assert!((20..28).any(|number| served(&cache, &format!("{number}.example")).is_some()));
    assert_eq!(cache.len(), 8);
}

#[test]
fn a_challenge_is_found_by_what_the_ca_asks_with() {
    let cache = cache(|_| {});
    for (identifier, asked) in [
        ("Example.com", "example.com"),
        ("192.0.2.10", "10.2.0.192.in-addr.arpa"),
        ("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
    ] {
        let key = Arc::new(alpn_challenge_certificate(identifier, &[7; 32]).unwrap());
        cache.set_alpn_challenge(identifier, Arc::clone(&key)).unwrap();
        assert!(Arc::ptr_eq(&cache.alpn_challenge(asked).expect("it is there"), &key), "{asked}");
        assert!(cache.find(&Hello::named(asked)).is_none(), "no ordinary client gets it");
        assert!(cache.remove_alpn_challenge(identifier));
        assert!(!cache.remove_alpn_challenge(identifier));
        assert!(cache.alpn_challenge(asked).is_none());
    }
    assert!(alpn_challenge_certificate("no name", &[7; 32]).is_err());
    assert!(!cache.remove_alpn_challenge("no name"));
}
