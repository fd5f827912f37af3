use base64::Engine as _;
use bytes::Bytes;
use certstore_core::ErrorKind;
use http::HeaderMap;

use super::{Access, Answer, BASE64, answered, refused};
use crate::client::Reply;

fn reply(status: u16, body: &str) -> Reply {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Reply { status, headers: HeaderMap::new(), body, unclear: false }
}

fn error(code: &str, more: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code>{more}<EC>0000-00000001</EC></Error>")
}

#[test]
fn every_code_has_its_kind() {
    use ErrorKind::{
        Conflict, Corrupt, InvalidConfig, InvalidKey, NotFound, Other, PermissionDenied, TooLarge,
        Unavailable, Unsupported,
    };
    for (status, code, kind) in [
        (404, "NoSuchKey", NotFound),
        (404, "NoSuchBucket", InvalidConfig),
        (403, "SignatureDoesNotMatch", PermissionDenied),
        (403, "InvalidAccessKeyId", PermissionDenied),
        (403, "SecurityTokenExpired", PermissionDenied),
        (403, "AccessDenied", PermissionDenied),
        (409, "FileAlreadyExists", Conflict),
        (409, "PositionNotEqualToLength", Conflict),
        (409, "ObjectNotAppendable", Corrupt),
        (503, "ServiceUnavailable", Unavailable),
        (503, "QpsLimitExceeded", Unavailable),
        (500, "InternalError", Unavailable),
        (400, "EntityTooLarge", TooLarge),
        (400, "InvalidObjectName", InvalidKey),
        (501, "NotImplemented", Unsupported),
        (418, "Teapot", Other),
    ] {
        let refused = refused(&reply(status, &error(code, "")), Access::Write);
        assert_eq!(refused.kind(), kind, "{code}");
        assert_eq!(refused.may_have_applied(), status == 500 || status == 503, "{code}");
        assert!(!refused.to_string().contains('\n'));
    }
    let unclear = Reply { unclear: true, ..reply(409, &error("FileAlreadyExists", "")) };
    assert!(refused(&unclear, Access::Write).may_have_applied());
}

#[test]
fn an_answer_without_a_body_is_judged_by_its_status() {
    for (status, kind) in [
        (301, ErrorKind::InvalidConfig),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (429, ErrorKind::Unavailable),
        (502, ErrorKind::Unavailable),
        (400, ErrorKind::Other),
    ] {
        assert_eq!(refused(&reply(status, "<html>"), Access::Read).kind(), kind, "{status}");
    }
}

#[test]
fn the_words_of_the_server_are_not_repeated() {
    let body = error(
        "SignatureDoesNotMatch",
        "<OSSAccessKeyId>LTAI1</OSSAccessKeyId><Message>hush</Message>",
    );
    let refused = refused(&reply(403, &body), Access::Read);
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(source, "the server answered 403 SignatureDoesNotMatch 0000-00000001");
    let all = format!("{refused:?}{refused}{source}");
    assert!(!all.contains("hush") && !all.contains("LTAI1"), "{all}");
}

#[test]
fn the_missing_permission_is_named() {
    let detail = |action: &str| {
        error(
            "AccessDenied",
            &format!("<AccessDeniedDetail><AuthAction>{action}</AuthAction></AccessDeniedDetail>"),
        )
    };
    let refused = |body: &str| refused(&reply(403, body), Access::Read).to_string();
    assert!(refused(&detail("oss:ListObjects")).contains("allow oss:ListObjects on the bucket"));
    for odd in ["do this; now", "oss:", "oss:Put Object", "ram:PassRole"] {
        assert_eq!(refused(&detail(odd)), refused(&error("AccessDenied", "")), "{odd}");
    }
}

#[test]
fn another_endpoint_or_region_is_named() {
    let body = error("AccessDenied", "<Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint>");
    let refused = refused(&reply(403, &body), Access::Read);
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
    assert!(refused.to_string().contains("set endpoint to oss-cn-beijing.aliyuncs.com"));
    let odd = error("AccessDenied", "<Endpoint>do this; now</Endpoint>");
    assert_eq!(Answer::of(&reply(403, &odd)).endpoint, None);
    let body = error(
        "InvalidArgument",
        "<Message>Invalid signing region in Authorization header.</Message>",
    );
    let answer = Answer::of(&reply(400, &body));
    assert_eq!(answered(answer, Access::Read).kind(), ErrorKind::InvalidConfig);
}

#[test]
fn a_head_tells_its_error_in_a_header() {
    let mut head = reply(404, "");
    let text = BASE64.encode(error("NoSuchBucket", ""));
    head.headers.insert("x-oss-err", text.parse().unwrap());
    let answer = Answer::of(&head);
    assert!(answer.is("NoSuchBucket") && !answer.is_missing(), "{answer:?}");
}
