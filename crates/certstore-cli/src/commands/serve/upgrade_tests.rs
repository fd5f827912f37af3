use super::*;

#[test]
fn one_protocol_is_asked_for_and_no_other_version_of_http() {
    let asked = |version, connection, upgrade: &[&str]| {
        let mut request = Request::builder().version(version).header(CONNECTION, connection);
        for protocol in upgrade {
            request = request.header(UPGRADE, *protocol);
        }
        protocol(&request.body(()).expect("a request")).is_some()
    };
    let (old, new) = (Version::HTTP_10, Version::HTTP_11);
    assert!(asked(new, "Upgrade", &["websocket"]) && asked(new, "keep-alive, upgrade", &["other"]));
    assert!(!asked(old, "upgrade", &["websocket"]) && !asked(new, "close", &["websocket"]));
    for several in [&[][..], &["h2c"], &["websocket, h2c"], &["websocket", "h2c"]] {
        assert!(!asked(new, "upgrade", several), "{several:?}");
    }
}
