//! What the server's answers become.

use super::*;

fn answer(status: u16, code: &str) -> Answer {
    let code = (!code.is_empty()).then(|| code.to_owned());
    Answer { status: Some(status), code, request_id: Some("R1".into()), ..Answer::default() }
}

#[test]
fn codes_and_statuses_have_kinds() {
    use ErrorKind::*;
    for (status, code, kind) in [
        (404, "NoSuchBucket", InvalidConfig),
        (404, "NoSuchKey", NotFound),
        (404, "", NotFound),
        (301, "PermanentRedirect", InvalidConfig),
        (301, "", InvalidConfig),
        (400, "AuthorizationHeaderMalformed", InvalidConfig),
        (403, "SignatureDoesNotMatch", PermissionDenied),
        (403, "InvalidAccessKeyId", PermissionDenied),
        (400, "ExpiredToken", PermissionDenied),
        (403, "RequestTimeTooSkewed", PermissionDenied),
        (403, "AccessDenied", PermissionDenied),
        (403, "", PermissionDenied),
        (503, "SlowDown", Unavailable),
        (503, "", Unavailable),
        (500, "InternalError", Unavailable),
        (403, "QuotaExceeded", Unavailable),
        (507, "XMinioStorageFull", Unavailable),
        (409, "ConditionalRequestConflict", Unavailable),
        (412, "PreconditionFailed", Conflict),
        (413, "EntityTooLarge", TooLarge),
        (501, "NotImplemented", Unsupported),
        (400, "KeyTooLongError", InvalidKey),
        (418, "", Other),
    ] {
        let error = answered(answer(status, code), Access::Read);
        assert_eq!(error.kind(), kind, "{status} {code}");
        assert!(!error.may_have_applied(), "{status} {code}");
    }
}

#[test]
fn a_write_that_the_server_failed_may_have_applied() {
    for (status, unclear) in
        [(500, true), (503, true), (504, true), (501, false), (403, false), (412, false)]
    {
        assert_eq!(
            answered(answer(status, ""), Access::Write).may_have_applied(),
            unclear,
            "{status}"
        );
    }
}

#[test]
fn only_an_answer_that_tells_nothing_else_refuses_batches() {
    for (status, code, refuses) in [
        (501, "NotImplemented", true),
        (405, "MethodNotAllowed", true),
        (411, "MissingContentLength", true),
        (400, "InvalidRequest", true),
        (400, "", true),
        (400, "ExpiredToken", false),
        (400, "RequestTimeout", false),
        (400, "AuthorizationHeaderMalformed", false),
        (403, "AccessDenied", false),
        (503, "SlowDown", false),
    ] {
        assert_eq!(answer(status, code).refuses_batches(), refuses, "{status} {code}");
    }
}

#[test]
fn the_right_region_is_named() {
    let redirect = Answer { region: Some("eu-west-1".into()), ..answer(301, "PermanentRedirect") };
    assert!(answered(redirect, Access::Read).to_string().contains("set region to eu-west-1"));
    let head = Answer { region: Some("eu-west-1".into()), ..answer(400, "") };
    assert_eq!(answered(head, Access::Read).kind(), ErrorKind::InvalidConfig);
    let body =
        b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
    assert_eq!(element(body, "Region").as_deref(), Some("eu-west-1"));
    let message = "the region 'us-east-1' is wrong; expecting 'eu-west-1'";
    assert_eq!(expected_region(message).as_deref(), Some("eu-west-1"));
    assert!(!is_plain("eu-west-1\n"));
}

#[test]
fn a_missing_right_is_named() {
    let action = Some("s3:DeleteObject".to_owned());
    let named = answered(Answer { action, ..answer(403, "AccessDenied") }, Access::Write);
    assert!(named.to_string().contains("allow s3:DeleteObject on"), "{named}");
    // A HEAD has no words.
    let head = answered(answer(403, ""), Access::Read);
    assert!(head.to_string().contains("lack s3:GetObject or s3:ListBucket"), "{head}");
}

#[test]
fn the_source_is_the_answer_and_not_repeated() {
    let error = answered(answer(403, "AccessDenied"), Access::Read);
    let source = StdError::source(&error).unwrap().to_string();
    assert_eq!(source, "the server answered 403 AccessDenied (request R1)");
    assert!(!error.to_string().contains(&source));
}
