use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};

use super::state;
use crate::slot::State;

const START: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

/// A bundle that is valid for 90 days from [`START`], with the key of its certificate or another's.
fn bundle(own_key: bool) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    let at = |seconds| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = at(START.unsigned_abs());
    params.not_after = at((START + 90 * DAY).unsigned_abs());
    let certificate = params.self_signed(&key).unwrap();
    let shown = if own_key { key } else { KeyPair::generate().unwrap() };
    format!("{}\n{}", shown.serialize_pem(), certificate.pem()).into_bytes()
}

fn on_day(day: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs((START + day * DAY).unsigned_abs())
}

#[test]
fn it_is_due_when_a_third_of_its_lifetime_is_left_as_rustls_acme_says() {
    let bundle = bundle(true);
    for (day, expected) in [
        (0, State::Good),
        (59, State::Good),
        (60, State::Due),
        (89, State::Due),
        (90, State::Expired),
        (500, State::Expired),
    ] {
        assert_eq!(state(&bundle, on_day(day)), expected, "on day {day}");
    }
}

#[test]
fn what_rustls_acme_cannot_serve_is_damaged() {
    let good = bundle(true);
    let text = String::from_utf8(good.clone()).unwrap();
    let (key, chain) = text.split_at(text.find("-----BEGIN CERTIFICATE").unwrap());
    let cut = &good[..good.len() - 100];
    let swapped = format!("{chain}{key}");
    for (what, bytes) in [
        ("nothing", b"".as_slice()),
        ("no PEM", b"hello"),
        ("a key alone", key.as_bytes()),
        ("a chain alone", chain.as_bytes()),
        ("a cut chain", cut),
        ("the chain before the key", swapped.as_bytes()),
        ("another's key", &bundle(false)),
    ] {
        assert_eq!(state(bytes, on_day(1)), State::Damaged, "{what}");
    }
}
