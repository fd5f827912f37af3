//! What is served.

use std::convert::Infallible;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tower_http::services::ServeDir;
use tower_service::Service;

use super::proxy::Proxy;
use crate::exit::Failure;

/// The body of any answer.
pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A page, a directory, or another server.
#[derive(Clone)]
pub(super) enum Site {
    Page(Arc<str>),
    Files(ServeDir),
    Proxy(Arc<Proxy>),
}

impl Site {
    /// # Errors
    /// The directory cannot be read, or the URL is none.
    pub(super) fn new(
        dir: Option<&Path>,
        to: Option<&str>,
        subjects: &[String],
    ) -> Result<Self, Failure> {
        if let Some(dir) = dir {
            std::fs::read_dir(dir)
                .map_err(|error| Failure::local(format!("read {}", dir.display()), error))?;
            return Ok(Self::Files(ServeDir::new(dir)));
        }
        if let Some(to) = to {
            return Ok(Self::Proxy(Arc::new(Proxy::new(to)?)));
        }
        Ok(Self::Page(page(subjects).into()))
    }
}

/// Names have no characters that mean something in HTML.
fn page(subjects: &[String]) -> String {
    let names = subjects.join(", ");
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{names}</title>\n\
         <p>certstore serves {names} over HTTPS.</p>\n\
         <p>Give it something of yours: <code>--dir DIR</code> or <code>--to URL</code>.</p></html>\n"
    )
}

pub(super) fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

impl Service<Request<Incoming>> for Site {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let mut site = self.clone();
        Box::pin(async move {
            Ok(match &mut site {
                Self::Page(page) => {
                    let mut response = Response::new(full(page.to_string()));
                    let html = HeaderValue::from_static("text/html; charset=utf-8");
                    response.headers_mut().insert(CONTENT_TYPE, html);
                    response
                }
                Self::Files(files) => {
                    files.call(request).await?.map(|body| body.map_err(Into::into).boxed_unsync())
                }
                Self::Proxy(proxy) => proxy.hand_on(request).await,
            })
        })
    }
}
