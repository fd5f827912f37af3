//! The short way: names in, HTTPS out.

mod defaults;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::pending;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use rustls::ServerConfig;
use tower_service::Service;

pub use defaults::{Defaults, Managed};

use crate::{Result, TlsListener};

/// Serves `service` over HTTPS on port 443 for these names, and redirects from HTTP on port 80, while the process runs:
/// certificates are obtained and renewed by the [`Defaults`].
///
/// By calling it you agree to the terms of service of the CA, Let's Encrypt, for names that are not private.
///
/// # Errors
/// [`Error::Listen`](crate::Error::Listen): a port cannot be had. Else of
/// [`Config::manage`](crate::Config::manage): a name has no certificate, and what was begun is stopped.
///
/// # Cancel safety
/// Dropped, it serves no more; requests go on in tasks of their own.
///
/// ```no_run
/// # async fn example<S>(service: S) -> Result<(), certstore_acme::Error>
/// # where
/// #     S: tower_service::Service<http::Request<hyper::body::Incoming>, Response = http::Response<String>, Error = std::convert::Infallible>,
/// #     S: Clone + Send + Sync + 'static,
/// #     S::Future: Send,
/// # {
/// certstore_acme::https(["example.com", "www.example.com"], service).await
/// # }
/// ```
pub async fn https<T, S, B>(names: impl IntoIterator<Item = T>, service: S) -> Result<()>
where
    T: AsRef<str>,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    Defaults::default().https(names, service, pending()).await
}

/// Listens for TLS on port 443 with certificates for these names, which are renewed while the second value lives. As nobody
/// answers HTTP, a CA is answered in the handshake (TLS-ALPN-01).
///
/// By calling it you agree to the terms of service of the CA, Let's Encrypt, for names that are not private.
///
/// # Errors
/// As [`TlsListener::listen`].
///
/// # Cancel safety
/// As [`Config::manage`](crate::Config::manage).
pub async fn listen<T: AsRef<str>>(
    names: impl IntoIterator<Item = T>,
) -> Result<(TlsListener, Managed)> {
    Defaults::default().listen(names).await
}

/// A configuration of rustls with certificates for these names, which are renewed while the second value lives. It answers a
/// CA in the handshake (TLS-ALPN-01), so serve by it on port 443; until it is there, this function listens there itself.
///
/// By calling it you agree to the terms of service of the CA, Let's Encrypt, for names that are not private.
///
/// # Errors
/// As [`Config::manage`](crate::Config::manage).
///
/// # Cancel safety
/// As [`Config::manage`](crate::Config::manage).
pub async fn tls<T: AsRef<str>>(
    names: impl IntoIterator<Item = T>,
) -> Result<(ServerConfig, Managed)> {
    Defaults::default().tls(names).await
}

/// Obtains certificates for these names, and renews them while what it gives lives. Serve by [`tls_config`](crate::tls_config) over
/// [`Config::cache`](crate::Config::cache), and answer HTTP-01 by [`Config::http_challenge_answer`](crate::Config::http_challenge_answer); until certificates are there, this function
/// listens on ports 80 and 443 itself, if nobody else does.
///
/// By calling it you agree to the terms of service of the CA, Let's Encrypt, for names that are not private.
///
/// # Errors
/// As [`Config::manage`](crate::Config::manage).
///
/// # Cancel safety
/// As [`Config::manage`](crate::Config::manage).
pub async fn manage<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Result<Managed> {
    Defaults::default().manage(names).await
}
