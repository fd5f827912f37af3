use std::sync::Arc;
use std::time::Duration;

use instant_acme::HttpClient as _;

use super::Ca;
use crate::Error;
use crate::test_data::{Scripted, silent_ca};

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_answered_is_given_up() {
    let (ca, _) = silent_ca();
    let ca = ca.with_request_limit(Duration::from_secs(5));
    let start = tokio::time::Instant::now();
    let error = ca.directory().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { step: "read the directory" }), "{error:?}");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test]
async fn a_root_that_cannot_be_read_is_said_when_the_ca_is_asked() {
    let ca = Ca::new("https://ca.example/dir").with_root("/no/such/file");
    let error = ca.directory().await.unwrap_err();
    assert!(matches!(error, Error::Unanswered { .. }), "{error:?}");
    assert!(ca.with_user_agent("a\nb").is_err());
}

#[tokio::test]
async fn a_retry_after_without_an_end_is_not_believed() {
    for (said, kept) in
        [("18446744073709551615", false), ("4294967296", false), ("4294967295", true)]
    {
        let answer = move |_: &str, _: &str| {
            let answer = http::Response::builder().header("Retry-After", said);
            answer.body("{}".to_owned()).expect("an answer")
        };
        let ca = Ca::new("https://ca.example/dir").with_http(Arc::new(Scripted(answer)));
        let request = http::Request::get("https://ca.example/order").body(Default::default());
        let answer = ca.http().unwrap().request(request.unwrap()).await.unwrap();
        assert_eq!(answer.parts.headers.contains_key("Retry-After"), kept, "{said}");
    }
}
