use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use rcgen::CertificateParams;
use rustls::SignatureScheme;

use super::*;
use crate::{Certificate, KeyType, PrivateKey};

/// When all certificates of [`made`] are valid.
const NOW: u64 = 1_900_000_000;

fn made(name: &str) -> Candidate {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    let key = KEY.get_or_init(|| PrivateKey::generate(KeyType::P256).unwrap());
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(key).unwrap();
    let chain = vec![certificate.der().clone()];
    let key = CertifiedKey::new(chain, Arc::clone(key.signer()));
    Candidate::new(Certificate::from_rustls(Arc::new(key)).unwrap())
}

fn served(ready: &Ready, name: &str) -> Option<Arc<CertifiedKey>> {
    ready.find(name, Schemes::ALL, NOW)
}

/// What is there for the name is its own.
fn set(ready: &Ready, name: &str, only: Option<&Candidate>) {
    let (table, tag) = (ready.table.load_full(), ready.tag(name));
    let before = table.slot_with(tag, tag).and_then(|slot| slot.key.load_full());
    ready.set(name, before.as_ref(), only);
}

fn is_of(found: &Arc<CertifiedKey>, candidate: &Candidate) -> bool {
    Arc::ptr_eq(found, &candidate.key)
}

#[test]
fn a_slot_is_half_a_line() {
    assert_eq!((size_of::<Slot>(), size_of::<Line>(), align_of::<Line>()), (32, 64, 64));
}

#[test]
fn what_was_set_is_found_until_it_is_cleared_while_the_table_grows() {
    let ready = Ready::default();
    let shared = made("any.example");
    let own = made("own.example");
    set(&ready, "own.example", Some(&own));
    let names: Vec<_> = (0..20_000).map(|number| format!("{number}.example")).collect();
    for name in &names {
        set(&ready, name, Some(&shared));
        assert!(is_of(&served(&ready, "own.example").expect("it was set"), &own));
    }
    let found = names.iter().filter(|name| served(&ready, name).is_some()).count();
    assert!(found > names.len() * 98 / 100, "{found} have room");
    for name in names.iter().step_by(2) {
        set(&ready, name, None);
        set(&ready, name, None);
    }
    for (number, name) in names.iter().enumerate() {
        assert!(number % 2 == 1 || served(&ready, name).is_none(), "{name}");
    }
    assert!(served(&ready, "unknown.example").is_none());
    for name in &names {
        set(&ready, name, None);
    }
    assert_eq!(ready.table.load().filled.load(Ordering::Relaxed), 1);
    assert!(served(&ready, "own.example").is_some());
}

#[test]
fn names_of_one_tag_are_both_looked_up_elsewhere() {
    let (ready, tag) = (Ready::default(), 7);
    let (one, other) = (made("one.example"), made("other.example"));
    let is_there = || ready.find_tag(tag, Schemes::ALL, NOW).is_some();
    ready.set_tag(tag, None, Some(&one));
    assert!(is_there());
    // A new name that has had none before.
    ready.set_tag(tag, None, Some(&other));
    assert!(!is_there());
    ready.set_tag(tag, Some(&one.key), Some(&one));
    ready.set_tag(tag, Some(&other.key), Some(&other));
    assert!(!is_there());
    assert_eq!(ready.table.load().filled.load(Ordering::Relaxed), 0);
}

#[test]
fn what_does_not_suit_is_no_answer() {
    let ready = Ready::default();
    let mut candidate = made("a.example");
    (candidate.not_before, candidate.not_after) = (NOW - 10, NOW + 10);
    set(&ready, "a.example", Some(&candidate));
    let at = |now| ready.find("a.example", Schemes::ALL, now).is_some();
    assert!(!at(NOW - 11) && at(NOW - 10) && at(NOW + 9) && !at(NOW + 10));
    let to = |scheme| ready.find("a.example", Schemes::of(&[scheme]), NOW).is_some();
    assert!(to(SignatureScheme::ECDSA_NISTP256_SHA256) && !to(SignatureScheme::RSA_PSS_SHA256));
    // The end of the year 9999, as certificates have it that are to last.
    candidate.not_after = 253_402_300_799;
    set(&ready, "a.example", Some(&candidate));
    assert!(ready.find("a.example", Schemes::ALL, 4_000_000_000).is_some());
}

#[test]
fn a_mark_is_taken_once_and_stays_while_the_table_grows() {
    let ready = Ready::default();
    let candidate = made("a.example");
    set(&ready, "a.example", Some(&candidate));
    assert!(!ready.take_mark("a.example") && !ready.take_mark("unknown.example"));
    assert!(served(&ready, "a.example").is_some());
    for number in 0..100 {
        set(&ready, &format!("{number}.example"), Some(&candidate));
    }
    assert!(ready.take_mark("a.example"));
    assert!(!ready.take_mark("a.example"));
}

/// Names come and go in so few slots that they share them, and a reader looks all the time.
#[test]
fn a_reader_never_finds_the_answer_of_another_name() {
    let all: Vec<_> = (0..32).map(|number| format!("{number}.example")).collect();
    let all: Arc<[_]> = all.into_iter().map(|name| (made(&name), name)).collect();
    let ready = Arc::new(Ready::default());
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (ready, done, all) = (Arc::clone(&ready), Arc::clone(&done), Arc::clone(&all));
        std::thread::spawn(move || {
            let mut found = 0_u64;
            while !done.load(Ordering::SeqCst) || found == 0 {
                for (candidate, name) in &*all {
                    if let Some(key) = served(&ready, name) {
                        assert!(is_of(&key, candidate), "{name}");
                        found += 1;
                    }
                }
            }
        })
    };
    for turn in 0..20_000 {
        let (candidate, name) = &all[turn % all.len()];
        set(&ready, name, Some(candidate));
        // Few are there at any time, so the table stays as it is.
        set(&ready, &all[(turn + all.len() - 4) % all.len()].1, None);
    }
    let lines = ready.table.load().lines.len();
    assert_eq!(lines, LINES);
    all.iter().for_each(|(candidate, name)| set(&ready, name, Some(candidate)));
    done.store(true, Ordering::SeqCst);
    reader.join().expect("no assertion fails");
}
