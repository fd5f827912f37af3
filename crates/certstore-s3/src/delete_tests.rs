//! What a batch's answer becomes.

use aws_sdk_s3::types::Error as Failed;

use super::*;

fn output(failures: &[(&str, &str)]) -> DeleteObjectsOutput {
    let failed = |(key, code): &(&str, &str)| Failed::builder().key(*key).code(*code).build();
    let failures = failures.iter().map(failed).collect();
    DeleteObjectsOutput::builder().set_errors(Some(failures)).build()
}

#[test]
fn failures_of_single_objects_are_told() {
    let output = output(&[("p/a", "NoSuchKey"), ("p/b", "AccessDenied"), ("p/c", "InternalError")]);
    let error = told(&failures(&output), 7, "p/").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let text = error.to_string();
    assert!(text.contains("2 of 7") && text.contains("\"b\"") && !text.contains("p/b"), "{text}");
}

#[test]
fn what_is_gone_already_is_no_failure() {
    assert!(told(&failures(&output(&[])), 2, "").is_ok());
    assert!(told(&failures(&output(&[("a", "NoSuchKey")])), 2, "").is_ok());
}

#[test]
fn passing_trouble_is_told_from_refusals() {
    let codes = ["InternalError", "ServiceUnavailable", "SlowDown", "AccessDenied", "Strange"];
    let output = output(&codes.map(|code| ("a", code)));
    let passing: Vec<bool> = failures(&output).iter().map(Failure::is_passing).collect();
    assert_eq!(passing, [true, true, true, false, false]);
}
