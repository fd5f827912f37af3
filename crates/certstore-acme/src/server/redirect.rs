//! What is answered on the port of plain HTTP.

use http::header::{CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode, Uri};

use crate::{Config, HTTP_CHALLENGE_PATH};

/// The answer to a challenge, else a redirect to HTTPS, where that is served.
pub(super) async fn answer<B>(
    config: &Config,
    https_port: Option<u16>,
    request: &Request<B>,
) -> Response<String> {
    let Some(host) = host(request) else {
        return plain(StatusCode::BAD_REQUEST, "the request names no host\n");
    };
    if request.uri().path().starts_with(HTTP_CHALLENGE_PATH) {
        match config.http_challenge_answer(&host, request.uri().path()).await {
            Ok(Some(answer)) => return plain(StatusCode::OK, answer),
            Ok(None) => return plain(StatusCode::NOT_FOUND, "there is no such challenge\n"),
            Err(error) => {
                // Whoever asks chooses how often, and the host. The order that waits for it fails with its cause.
                tracing::debug!(
                    host,
                    error = certstore_core::one_line(&error),
                    "a challenge could not be answered"
                );
                return plain(StatusCode::SERVICE_UNAVAILABLE, "try again\n");
            }
        }
    }
    match https_port {
        Some(https_port) => redirect(&host, https_port, request.uri()),
        None => plain(StatusCode::NOT_FOUND, "only a CA's challenges are answered here\n"),
    }
}

/// The host as the client names it, with its port.
fn host<B>(request: &Request<B>) -> Option<String> {
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri().authority().map(|all| all.as_str())).map(str::to_owned)
}

/// 308 keeps method and body.
fn redirect(host: &str, https_port: u16, uri: &Uri) -> Response<String> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let name = without_port(host);
    let port = if https_port == 443 { String::new() } else { format!(":{https_port}") };
    let Ok(location) = HeaderValue::try_from(format!("https://{name}{port}{path}")) else {
        return plain(StatusCode::BAD_REQUEST, "the host is no name\n");
    };
    let mut response = plain(StatusCode::PERMANENT_REDIRECT, "use HTTPS\n");
    response.headers_mut().insert(LOCATION, location);
    response
}

/// `example.com` of `example.com:8080`, `[::1]` of `[::1]:8080`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && !port.is_empty() => name,
        _ => host,
    }
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response<String> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_path_and_query_and_changes_the_port() {
        for (host, port, target, location) in [
            ("example.com", 443, "/a/b?c=d", "https://example.com/a/b?c=d"),
            ("example.com:80", 443, "/", "https://example.com/"),
            ("example.com:8080", 8443, "/x", "https://example.com:8443/x"),
            ("[::1]:8080", 443, "/", "https://[::1]/"),
            ("[::1]", 8443, "/", "https://[::1]:8443/"),
        ] {
            let response = redirect(host, port, &target.parse().expect("a target"));
            assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
            assert_eq!(response.headers()[LOCATION], location);
        }
    }

    #[test]
    fn a_host_that_would_add_a_header_is_refused() {
        let response = redirect("a\r\nset-cookie: b", 443, &Uri::from_static("/"));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
}
