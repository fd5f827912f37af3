//! What the service's answers become.

use super::*;

fn answer(status: u16, code: &str) -> Answer {
    Answer { status, code: code.to_owned(), request_id: Some("R1".into()), ..Answer::default() }
}

#[test]
fn codes_and_statuses_have_kinds() {
    use ErrorKind::*;
    for (status, code, kind) in [
        (400, "ResourceNotFoundException", NotFound),
        (400, "ResourceExistsException", Conflict),
        (400, "InvalidSignatureException", PermissionDenied),
        (400, "UnrecognizedClientException", PermissionDenied),
        (403, "ExpiredTokenException", PermissionDenied),
        (400, "AccessDeniedException", PermissionDenied),
        (400, "DecryptionFailure", PermissionDenied),
        (400, "ThrottlingException", Unavailable),
        (429, "", Unavailable),
        (400, "LimitExceededException", Other),
        (400, "InvalidRequestException", Other),
        (400, "InvalidParameterException", Other),
        (400, "ValidationException", Other),
        (500, "InternalServiceError", Unavailable),
        (503, "", Unavailable),
        (404, "", InvalidConfig),
        (413, "", TooLarge),
        (403, "", PermissionDenied),
        (400, "UnknownOperationException", Unsupported),
    ] {
        let error = answered(answer(status, code), Access::Read);
        assert_eq!(error.kind(), kind, "{status} {code}");
        assert!(!error.may_have_applied() && !error.to_string().contains('\n'), "{status} {code}");
    }
}

#[test]
fn a_write_that_the_service_failed_may_have_applied() {
    for (status, unclear) in [(500, true), (503, true), (501, false), (400, false), (429, false)] {
        let error = answered(answer(status, ""), Access::Write);
        assert_eq!(error.may_have_applied(), unclear, "{status}");
    }
}

#[test]
fn a_wrong_region_and_a_wrong_clock_are_told_from_a_wrong_key() {
    let code = "InvalidSignatureException";
    let region = Answer { wrong_region: true, ..answer(400, code) };
    assert_eq!(answered(region, Access::Read).kind(), ErrorKind::InvalidConfig);
    let time = Answer { wrong_time: true, ..answer(400, code) };
    assert!(answered(time, Access::Read).to_string().contains("set the clock"));
}

#[test]
fn a_missing_right_is_named() {
    let action = Some("secretsmanager:PutSecretValue".to_owned());
    let denied = Answer { action, ..answer(400, "AccessDeniedException") };
    let text = answered(denied, Access::Write).to_string();
    assert!(text.contains("allow secretsmanager:PutSecretValue on"), "{text}");
}

#[test]
fn the_source_is_the_answer_and_not_repeated() {
    let error = answered(answer(400, "AccessDeniedException"), Access::Read);
    let source = StdError::source(&error).unwrap().to_string();
    assert_eq!(source, "the service answered 400 AccessDeniedException (request R1)");
    assert!(!error.to_string().contains(&source));
}
