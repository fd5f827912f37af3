//! Requests that become something else, as WebSocket.

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::site::{Body, full};

/// HTTP/2 itself, which a proxy speaks or does not speak with each neighbour (RFC 9113, section 3.1).
const NEIGHBOURLY: &str = "h2c";

/// What a client would have its connection become.
pub(super) struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
}

impl Upgrade {
    /// `None`: it asks for nothing that could be handed on, and is answered as any other request (RFC 9110, section 7.8).
    pub(super) fn asked_for(request: &mut Request<Incoming>) -> Option<Self> {
        let protocol = protocol(request)?;
        Some(Self { protocol, client: hyper::upgrade::on(request) })
    }

    /// Asks the server behind for it.
    pub(super) fn ask<B>(&self, request: &mut Request<B>) {
        let headers = request.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, self.protocol.clone());
    }

    /// The server behind has agreed: from now on the two have it between themselves. `None`: it has agreed to something else.
    pub(super) fn join(self, mut response: Response<Incoming>) -> Option<Response<Body>> {
        let agreed = response.headers().get(UPGRADE)?.as_bytes();
        if !agreed.eq_ignore_ascii_case(self.protocol.as_bytes()) {
            return None;
        }
        let (client, server) = (self.client, hyper::upgrade::on(&mut response));
        tokio::spawn(async move {
            let (client, server) = tokio::try_join!(client, server)?;
            let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
            // Either may break it off as it likes.
            let carried = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            tracing::debug!(?carried, "an upgraded connection has ended");
            Ok::<(), hyper::Error>(())
        });
        let mut answer = Response::new(full(""));
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        std::mem::swap(answer.headers_mut(), response.headers_mut());
        super::proxy::remove_hop_by_hop(answer.headers_mut());
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        answer.headers_mut().insert(UPGRADE, self.protocol);
        Some(answer)
    }
}

/// The one protocol that a request asks for.
fn protocol<B>(request: &Request<B>) -> Option<HeaderValue> {
    let headers = request.headers();
    let connection = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let mut words = connection.flat_map(|value| value.split(','));
    let asked = words.any(|word| word.trim().eq_ignore_ascii_case(UPGRADE.as_str()));
    let mut protocols = headers.get_all(UPGRADE).iter();
    let protocol = protocols.next().filter(|_| protocols.next().is_none())?;
    let one = protocol.to_str().is_ok_and(|protocol| {
        !protocol.contains(',') && !protocol.trim().eq_ignore_ascii_case(NEIGHBOURLY)
    });
    (asked && one && request.version() == Version::HTTP_11).then(|| protocol.clone())
}

#[cfg(test)]
#[path = "upgrade_tests.rs"]
mod tests;
