use super::*;

#[test]
fn reasons_have_the_numbers_of_rfc_5280() {
    for (name, code) in [
        ("", 0),
        ("unspecified", 0),
        ("keyCompromise", 1),
        ("cACompromise", 2),
        ("affiliationChanged", 3),
        ("superseded", 4),
        ("cessationOfOperation", 5),
        ("certificateHold", 6),
        ("privilegeWithdrawn", 9),
        ("aACompromise", 10),
        ("KEYCOMPROMISE", 1),
    ] {
        assert_eq!(parse_revocation_reason(name).unwrap().code(), code, "{name}");
    }
    for reason in RevocationReason::ALL {
        assert_eq!(reason.to_string().parse::<RevocationReason>().unwrap(), reason);
    }
}

#[test]
fn an_unknown_reason_names_the_known_ones() {
    for unknown in ["bored", "removeFromCRL", " superseded", "1"] {
        let error = parse_revocation_reason(unknown).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("cessationOfOperation"), "{error}");
    }
}
