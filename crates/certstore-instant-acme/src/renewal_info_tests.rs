use certstore_core::OsRandom;
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyIdMethod, KeyPair, SerialNumber,
};

use super::*;
use crate::test_data::{START, at, certificate, names};

/// As CertMagic 0.25 writes it, but for the identifier.
const OF_GO: &str = r#"{"suggestedWindow":{"start":"2023-12-15T10:00:00Z","end":"2023-12-17T10:00:00.5Z"},
"explanationURL":"https://ca.example/why","_uniqueIdentifier":"ID","_retryAfter":"2023-11-15T04:13:20.123456789+01:00",
"_selectedTime":"2023-12-16T03:04:05Z"}"#;

fn bundle_with(info: &str) -> CertificateBundle {
    let stored = certificate(&names());
    let bundle = stored.bundle();
    let info = info.replace("ID", &renewal_id(bundle.chain()).unwrap());
    let data = json!({"url": "u", "renewal_info": serde_json::from_str::<Value>(&info).unwrap()});
    let metadata = bundle.metadata().clone().with_issuer_data(data);
    CertificateBundle::new(bundle.chain(), bundle.private_key(), metadata).unwrap()
}

#[test]
fn what_caddy_wrote_is_understood_and_written_in_its_form() {
    let bundle = bundle_with(OF_GO);
    let info = RenewalInfo::of(&bundle).unwrap();
    let time = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(info.window().0, time(1_702_634_400));
    assert_eq!(info.window().1, time(1_702_807_200) + Duration::from_millis(500));
    assert_eq!(info.explanation_url(), Some("https://ca.example/why"));
    assert_eq!(info.selected_time(), Some(time(1_702_695_845)));
    assert_eq!(info.ask_again(), Some(time(START + 18_000) + Duration::from_nanos(123_456_789)));
    let written = info.put_into(bundle.metadata());
    let text = written.to_json().unwrap();
    assert!(text.contains("\"end\": \"2023-12-17T10:00:00.5Z\""), "{text}");
    assert!(text.contains("\"_selectedTime\": \"2023-12-16T03:04:05Z\""), "{text}");
    assert!(text.contains("\"url\": \"u\""), "{text}");
    let again = CertificateBundle::new(bundle.chain(), bundle.private_key(), written).unwrap();
    assert_eq!(RenewalInfo::of(&again), Some(info));
}

#[test]
fn a_time_that_nobody_has_chosen_is_none() {
    let zero = OF_GO.replace("2023-12-16T03:04:05Z", "0001-01-01T00:00:00Z");
    let info = RenewalInfo::of(&bundle_with(&zero)).unwrap();
    assert_eq!(info.selected_time(), None);
    assert!(info.is_stale(at(0)), "a time is to be chosen");
    let written = serde_json::to_string(&info).unwrap();
    assert!(written.ends_with("\"_selectedTime\":\"0001-01-01T00:00:00Z\"}"), "{written}");
}

#[test]
fn what_makes_no_sense_is_nothing() {
    let other = OF_GO.replace("\"ID\"", "\"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE\"");
    let zero = r#"{"suggestedWindow":{"start":"0001-01-01T00:00:00Z","end":"0001-01-01T00:00:00Z"},"_selectedTime":"0001-01-01T00:00:00Z"}"#;
    let backwards = OF_GO.replace("12-17", "12-14");
    let no_date = OF_GO.replace("2023-12-15T10:00:00Z", "soon");
    for info in [&*other, zero, &backwards, &no_date, "{}", "[]", "null", "1"] {
        assert_eq!(RenewalInfo::of(&bundle_with(info)), None, "{info}");
    }
}

#[test]
fn a_time_is_chosen_in_the_window_and_stays_while_it_can() {
    let mut info = RenewalInfo::of(&bundle_with(OF_GO)).unwrap();
    let (start, end) = info.window();
    let mut chosen = std::collections::BTreeSet::new();
    for _ in 0..100 {
        info.choose(None, &OsRandom);
        let time = info.selected_time().unwrap();
        assert!((start..=end).contains(&time));
        chosen.insert(time);
    }
    assert!(chosen.len() > 90, "chosen at random, not {} times", chosen.len());
    let before = info.clone();
    let day = Duration::from_secs(24 * 3600);
    info.window.start = Some(start - day);
    info.choose(Some(&before), &OsRandom);
    assert_eq!(info.selected_time(), before.selected_time());
    (info.window.start, info.window.end) = (Some(start - 3 * day), Some(start - day));
    info.choose(Some(&before), &OsRandom);
    assert!(info.selected_time().unwrap() < start);
}

#[test]
fn a_certificate_is_known_by_its_authority_and_serial() {
    // The example of RFC 9773, section 4.1.
    let authority = [
        0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae,
        0x2c, 0xde, 0x01, 0xc8, 0xd4,
    ];
    let pem = certificate_of(&authority, &[0x87, 0x65, 0x43, 0x21]);
    assert_eq!(renewal_id(&pem).as_deref(), Some("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"));
    assert_eq!(renewal_id("no certificate"), None);
}

fn certificate_of(authority: &[u8], serial: &[u8]) -> String {
    let mut by = CertificateParams::new([]).unwrap();
    by.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    by.key_identifier_method = KeyIdMethod::PreSpecified(authority.to_vec());
    let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(SerialNumber::from_slice(serial));
    let (key, by) = (KeyPair::generate().unwrap(), Issuer::new(by, KeyPair::generate().unwrap()));
    params.signed_by(&key, &by).unwrap().pem()
}
