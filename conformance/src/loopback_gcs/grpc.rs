//! gRPC's framing, for unary calls: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use bytes::{BufMut as _, Bytes, BytesMut};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response};
use prost::Message;

use super::body::Frames;
use super::refusal::Refusal;

/// The bytes before each message: whether it is compressed, and its length.
const HEAD: usize = 5;

pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

/// The one message of a request.
pub(super) fn message<M: Message + Default>(body: &Bytes) -> Result<M, Refusal> {
    let invalid = || Refusal::invalid("the request is no gRPC message");
    let length = match body.get(..HEAD) {
        Some([0, a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
        _ => return Err(invalid()),
    };
    if body.len() != HEAD + length {
        return Err(invalid());
    }
    M::decode(body.slice(HEAD..)).map_err(|_| invalid())
}

pub(super) fn reply<M: Message>(result: Result<M, Refusal>) -> Response<Frames> {
    let (body, status) = match result {
        Ok(message) => {
            let encoded = message.encode_to_vec();
            let mut framed = BytesMut::with_capacity(HEAD + encoded.len());
            framed.put_u8(0);
            framed.put_u32(u32::try_from(encoded.len()).unwrap_or(u32::MAX));
            framed.extend_from_slice(&encoded);
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            (Frames::with_trailers(framed.freeze(), trailers), None)
        }
        Err(refusal) => (Frames::default(), Some(refusal)),
    };
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    if let Some(refusal) = status {
        headers.insert("grpc-status", refusal.grpc_status().into());
        let text = escaped(&refusal.message);
        if let Ok(text) = HeaderValue::from_str(&text) {
            headers.insert("grpc-message", text);
        }
    }
    reply
}

/// Percent-encoded where gRPC wants it.
fn escaped(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for byte in message.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
