//! What the service's answers become.

use google_cloud_gax::error::rpc::{Code, Status};

use super::*;

fn answer(status: u16) -> Answer {
    Answer { status, ..Answer::default() }
}

#[test]
fn statuses_have_kinds() {
    use ErrorKind::*;
    for (status, kind) in [
        (400, Other),
        (401, PermissionDenied),
        (403, PermissionDenied),
        (404, NotFound),
        (408, Unavailable),
        (409, Unavailable),
        (412, Conflict),
        (413, TooLarge),
        (418, Other),
        (429, Unavailable),
        (500, Unavailable),
        (501, Unsupported),
        (503, Unavailable),
        (504, Unavailable),
    ] {
        let error = answered(answer(status), Access::Read);
        assert_eq!(error.kind(), kind, "{status}");
        assert!(!error.may_have_applied(), "{status}");
    }
    let bucket = Answer { status: 404, no_bucket: true, ..Answer::default() };
    assert_eq!(answered(bucket, Access::Read).kind(), InvalidConfig);
}

#[test]
fn a_write_that_the_server_failed_may_have_applied() {
    for (status, unclear) in [
        (408, true),
        (500, true),
        (503, true),
        (504, true),
        (429, false),
        (501, false),
        (412, false),
    ] {
        let error = answered(answer(status), Access::Write);
        assert_eq!(error.may_have_applied(), unclear, "{status}");
    }
}

#[test]
fn grpc_and_json_say_the_same() {
    for (code, status) in [
        (Code::NotFound, 404),
        (Code::FailedPrecondition, 412),
        (Code::PermissionDenied, 403),
        (Code::Unauthenticated, 401),
        (Code::ResourceExhausted, 429),
        (Code::Unavailable, 503),
        (Code::Internal, 500),
    ] {
        let failed = Failed::service(Status::default().set_code(code));
        assert_eq!(Answer::of(&failed), Some(answer(status)), "{code:?}");
        let failed = Failed::http(status, Default::default(), Default::default());
        assert_eq!(Answer::of(&failed), Some(answer(status)), "{status}");
    }
}

#[test]
fn a_missing_permission_is_among_those_that_are_named() {
    let denied = answered(answer(403), Access::Read).to_string();
    for permission in ["get", "create", "delete", "list"] {
        assert!(denied.contains(&format!("storage.objects.{permission}")), "{denied}");
    }
}

#[test]
fn a_missing_permission_that_the_service_names_is_named_alone() {
    let text = "me@example.com does not have storage.objects.delete access to the Google Cloud Storage object. \
                Permission 'storage.objects.delete' denied on resource (or it may not exist).";
    let status = Status::default().set_code(Code::PermissionDenied).set_message(text);
    let of_grpc = Answer::of(&Failed::service(status)).unwrap();
    let of_json = Answer::of(&Failed::http(403, Default::default(), text.into())).unwrap();
    for answer in [of_grpc, of_json] {
        let denied = answered(answer, Access::Write).to_string();
        assert!(denied.contains("allow storage.objects.delete on"), "{denied}");
        assert!(!denied.contains("storage.objects.get") && !denied.contains("example"), "{denied}");
    }
    let other =
        "Permission 'iam.x' denied on resource; Permission 'storage.' or 'storage.a\n' denied";
    let status = Status::default().set_code(Code::PermissionDenied).set_message(other);
    assert_eq!(Answer::of(&Failed::service(status)), Some(answer(403)));
}

#[test]
fn a_missing_bucket_is_told_from_a_missing_object() {
    let text = "The specified bucket does not exist.";
    let status = Status::default().set_code(Code::NotFound).set_message(text);
    let of_grpc = Answer::of(&Failed::service(status)).unwrap();
    let of_json = Answer::of(&Failed::http(404, Default::default(), text.into())).unwrap();
    for answer in [of_grpc, of_json] {
        assert!(answer.no_bucket && !answer.is_missing());
    }
}

#[test]
fn the_source_is_the_answer_and_not_repeated() {
    let error = answered(answer(403), Access::Read);
    let source = StdError::source(&error).unwrap().to_string();
    assert_eq!(source, "the server answered 403");
    assert!(!error.to_string().contains(&source));
    assert_eq!(answer_in(&error), Some(&answer(403)));
}
