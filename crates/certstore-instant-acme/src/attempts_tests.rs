use instant_acme::ChallengeType::{Http01, TlsAlpn01};

use super::Attempts;
use crate::PresentedChallenge;

#[test]
fn what_has_failed_comes_after_what_has_not_until_something_succeeds() {
    let attempts = Attempts::default();
    let challenge = |kind| PresentedChallenge::new(kind, "a.example", "t", "t.k");
    let next = |name| attempts.sorted(name, vec![Http01, TlsAlpn01])[0].clone();
    for expected in [Http01, TlsAlpn01, Http01, TlsAlpn01, Http01] {
        assert_eq!(next("a.example"), expected);
        attempts.failed(&challenge(expected));
        assert_eq!(next("b.example"), Http01);
    }
    assert_eq!(next("a.example"), TlsAlpn01);
    attempts.succeeded(&challenge(TlsAlpn01));
    assert_eq!(next("a.example"), Http01);
}
