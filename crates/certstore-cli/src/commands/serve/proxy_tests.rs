use super::*;

fn handed_on(headers: &[(&str, &str)], target: &str) -> Request<()> {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let proxy = Proxy::new("http://127.0.0.1:3000").expect("a server");
    proxy.addressed(request.body(()).expect("a request")).expect("it can be handed on")
}

#[tokio::test]
async fn what_a_client_claims_of_itself_is_not_handed_on() {
    let claims = [
        ("host", "site.example"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("x-forwarded-host", "other.example"),
        ("x-forwarded-proto", "http"),
    ];
    let request = handed_on(&claims, "/path?q=1");
    assert_eq!(request.uri(), "http://127.0.0.1:3000/path?q=1");
    let (headers, named) = (request.headers(), HeaderValue::from_static("site.example"));
    assert_eq!((&headers["host"], &headers["x-forwarded-host"]), (&named, &named));
    assert_eq!(headers["x-forwarded-proto"], "https");
    for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_host_of_the_target_goes_before_the_header() {
    let request = handed_on(&[("host", "other.example")], "https://site.example/");
    assert_eq!(request.headers()["host"], "site.example");
}

#[tokio::test]
async fn cookies_become_one_field_and_what_is_between_neighbours_stays() {
    let headers = [
        ("host", "site.example"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("connection", "x-own, close"),
        ("x-own", "1"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
    ];
    let request = handed_on(&headers, "/");
    let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
    assert_eq!(cookies, ["a=1; b=2"]);
    for name in ["connection", "x-own", "te", "upgrade"] {
        assert!(!request.headers().contains_key(name), "{name}");
    }
}
