//! A CA that answers as it is told.

use std::sync::Arc;

use bytes::Bytes;
use certstore_instant_acme::Ca;
use http::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

/// A part of a URL, a status, and a body.
pub(crate) type Answer = (&'static str, u16, &'static str);
type Answered = std::pin::Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

const DIRECTORY: &str = r#"{"newNonce":"https://ca.example/nonce","newAccount":"https://ca.example/account",
"newOrder":"https://ca.example/order","revokeCert":"https://ca.example/revoke","keyChange":"https://ca.example/key"}"#;

/// These answers, before those of a CA that takes requests for accounts.
pub(crate) fn answers(first: &[Answer]) -> Vec<Answer> {
    let rest = [("/dir", 200, DIRECTORY), ("/nonce", 200, "")];
    first.iter().copied().chain(rest).collect()
}

pub(crate) fn ca_that(answers: Vec<Answer>) -> Ca {
    Ca::new("https://ca.example/dir").with_http(Arc::new(Scripted(answers)))
}

struct Scripted(Vec<Answer>);

impl HttpClient for Scripted {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answered {
        let url = request.uri().to_string();
        let answer = self.0.iter().find(|(word, ..)| url.contains(word));
        let answer = match answer {
            Some((_, 0, _)) | None => Err(Error::Other("connection refused".into())),
            Some((_, status, body)) => {
                let answer = Response::builder().status(*status).header("Replay-Nonce", "nonce");
                answer.body(Bytes::from_static(body.as_bytes())).map_err(Error::from)
            }
        };
        let answer = answer.map(|answer| {
            let (parts, body) = answer.into_parts();
            BytesResponse { parts, body: Box::new(body) }
        });
        Box::pin(async move { answer })
    }
}
