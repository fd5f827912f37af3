//! Short questions over HTTP: the answer is bounded, and a redirect is an answer.

use std::error::Error as StdError;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;

/// A client that keeps no connection.
pub(crate) type HttpClient<C> = Client<C, Full<Bytes>>;

/// For `http` alone.
pub(crate) fn plain() -> HttpClient<HttpConnector> {
    over(HttpConnector::new())
}

pub(crate) fn over<C: Connect + Clone>(connector: C) -> HttpClient<C> {
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)
}

/// Sends a request; the body of the answer has at most so many bytes. Who calls bounds the time.
pub(crate) async fn send<C>(
    client: &HttpClient<C>,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Response<Bytes>>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let sent =
        client.request(request).await.map_err(|error| failed("it cannot be reached", error))?;
    let (parts, body) = sent.into_parts();
    let body = Limited::new(body, most).collect().await;
    let body = body.map_err(|error| failed("its answer breaks off or is too long", error))?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

fn failed(what: &'static str, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unavailable, what).with_source(error)
}
