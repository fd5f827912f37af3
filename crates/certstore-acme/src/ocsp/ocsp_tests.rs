use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::test_authority::{Authority, Signer};
use super::*;
use crate::RevocationReason;

const URL: &str = "http://ocsp.example/";
const HOUR: Duration = Duration::from_secs(3600);

struct Asked {
    authority: Authority,
    question: Question,
    serial: u64,
}

fn asked(name: &str) -> Asked {
    let authority = Authority::new(name);
    let (chain, _, serial) = authority.sign("example.com", URL, false);
    let question = Question::of(&chain_of(&chain)).expect("the test can go on");
    Asked { authority, question, serial }
}

fn chain_of(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().expect("it is PEM")
}

fn line(error: &certstore_core::Error) -> String {
    error.to_string()
}

#[test]
fn the_issuer_answers_or_whom_it_has_told_to_and_nobody_else() {
    let Asked { authority, question, .. } = asked("signers");
    let request = question.request().unwrap();
    let now = SystemTime::now();
    for signer in [Signer::Issuer, Signer::Delegate] {
        let answer = check(&authority.answer(&request, signer), &question, now).unwrap();
        assert_eq!(answer.status(), OcspStatus::Good, "{signer:?}");
        assert!(answer.counts(now) && answer.this_update() <= now);
        let lifetime = answer.next_update().duration_since(answer.this_update()).unwrap();
        assert_eq!((lifetime, answer.due()), (HOUR, answer.this_update() + HOUR / 2));
    }
    for signer in [Signer::Unauthorized, Signer::Stranger] {
        let error = check(&authority.answer(&request, signer), &question, now).unwrap_err();
        assert!(line(&error).contains("neither the issuer has signed it"), "{signer:?}: {error}");
    }
}

#[test]
fn it_says_what_the_ca_knows() {
    let Asked { authority, question, serial } = asked("known");
    let request = question.request().unwrap();
    let now = SystemTime::now();
    let status =
        || check(&authority.answer(&request, Signer::Issuer), &question, now).unwrap().status();
    authority.note(serial, Some("keyCompromise"));
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600);
    let reason = Some(RevocationReason::KeyCompromise);
    assert_eq!(status(), OcspStatus::Revoked { since, reason });
    let other = authority.sign("other.example", URL, false);
    let other = Question::of(&chain_of(&other.0)).unwrap();
    let answer = authority.answer(&other.request().unwrap(), Signer::Issuer);
    let error = check(&answer, &question, now).unwrap_err();
    assert!(line(&error).contains("another certificate"), "{error}");
    let unknown = Authority::new("unknown");
    let (chain, _, serial) = unknown.sign("example.com", URL, false);
    let question = Question::of(&chain_of(&chain)).unwrap();
    unknown.forget(serial);
    let answer = unknown.answer(&question.request().unwrap(), Signer::Issuer);
    assert_eq!(check(&answer, &question, now).unwrap().status(), OcspStatus::Unknown);
}

#[test]
fn an_answer_counts_in_its_time() {
    let Asked { authority, question, .. } = asked("time");
    authority.set_minutes(30);
    let der = authority.answer(&question.request().unwrap(), Signer::Issuer);
    let answer = check(&der, &question, SystemTime::now()).unwrap();
    for (at, wrong) in [
        (answer.next_update(), Some("over")),
        (answer.next_update() - Duration::from_secs(1), None),
        (answer.this_update() - Duration::from_secs(300), None),
        (answer.this_update() - Duration::from_secs(301), Some("has not come")),
    ] {
        let checked = check(&der, &question, at).err().map(|error| line(&error));
        assert_eq!(checked.is_some(), wrong.is_some());
        assert!(checked.unwrap_or_default().contains(wrong.unwrap_or_default()));
    }
}

#[test]
fn damage_is_an_error_wherever_it_is() {
    let Asked { authority, question, .. } = asked("damage");
    let der = authority.answer(&question.request().unwrap(), Signer::Delegate);
    let now = SystemTime::now();
    for length in 0..der.len() {
        assert!(check(&der[..length], &question, now).is_err(), "cut to {length}");
    }
    let good = check(&der, &question, now).unwrap();
    for at in 0..der.len() {
        let mut damaged = der.clone();
        damaged[at] ^= 1;
        // What is not signed may differ: the certificates beside it.
        if let Ok(answer) = check(&damaged, &question, now) {
            assert_eq!(answer.status(), good.status());
            assert_eq!(answer.this_update(), good.this_update());
        }
    }
    let said = check(&[0x30, 3, 10, 1, 3], &question, now).unwrap_err();
    assert!(line(&said).contains("TryLater"), "{said}");
    for garbage in [&b""[..], b"<html>", &[0x30, 0x80, 0, 0], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]]
    {
        assert!(check(garbage, &question, now).is_err());
    }
}

#[test]
fn a_certificate_without_its_issuer_is_not_asked_about() {
    let authority = Authority::new("alone");
    let (chain, ..) = authority.sign("example.com", URL, true);
    let alone = &chain_of(&chain)[..1];
    assert!(Question::of(alone).is_err());
}
