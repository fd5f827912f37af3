//! Another program: the JSON API over a connection of its own, without any of the backend's code or driver.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::Site;

/// Status, the generation that the headers tell, and the body.
type Reply = (u16, Option<i64>, Vec<u8>);

async fn send(site: &Site, method: &str, target: &str, body: &[u8]) -> Reply {
    let host = site.endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.expect("the server listens");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\n\r\n",
        site.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    stream.write_all(body).await.expect("the server reads");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.expect("the server answers");
    let end = reply.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(reply[..end].to_vec()).expect("text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let generation = head.lines().find_map(|line| line.strip_prefix("x-goog-generation: "));
    let generation = generation.map(|text| text.parse().expect("a number"));
    (status, generation, reply.split_off(end + 4))
}

/// A name as one part of a path.
fn path(object: &str) -> String {
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let escape = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    object.bytes().map(escape).collect()
}

/// Writes an object plainly.
pub(crate) async fn put(site: &Site, object: &str, body: &[u8]) {
    let target =
        format!("/upload/storage/v1/b/{}/o?uploadType=media&name={}", site.bucket, path(object));
    let (status, ..) = send(site, "POST", &target, body).await;
    assert_eq!(status, 200, "{object}");
}

/// Generation and bytes.
pub(crate) async fn get(site: &Site, object: &str) -> (i64, Vec<u8>) {
    let target = format!("/storage/v1/b/{}/o/{}?alt=media", site.bucket, path(object));
    let (status, generation, body) = send(site, "GET", &target, b"").await;
    assert_eq!(status, 200, "{object}");
    (generation.expect("an object has a generation"), body)
}

/// The resource, as JSON describes it.
pub(crate) async fn resource(site: &Site, object: &str) -> Value {
    let target = format!("/storage/v1/b/{}/o/{}", site.bucket, path(object));
    let (status, _, body) = send(site, "GET", &target, b"").await;
    assert_eq!(status, 200, "{object}");
    serde_json::from_slice(&body).expect("JSON")
}

/// Writes metadata of an object, as a program that does not know ours.
pub(crate) async fn patch(site: &Site, object: &str, resource: &Value) {
    let target = format!("/storage/v1/b/{}/o/{}", site.bucket, path(object));
    let (status, ..) = send(site, "PATCH", &target, resource.to_string().as_bytes()).await;
    assert_eq!(status, 200, "{object}");
}

/// All names that begin with `prefix`.
pub(crate) async fn list(site: &Site, prefix: &str) -> Vec<String> {
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let target =
            format!("/storage/v1/b/{}/o?prefix={}&pageToken={token}", site.bucket, path(prefix));
        let (status, _, body) = send(site, "GET", &target, b"").await;
        assert_eq!(status, 200, "{prefix}");
        let page: Value = serde_json::from_slice(&body).expect("JSON");
        let items = page["items"].as_array().cloned().unwrap_or_default();
        names.extend(items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()));
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => return names,
        }
    }
}
