//! Replies: what was asked for, or an error as OSS words it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::body::ReplyBody;
use super::encode::xml_text;

/// A reply on its way out.
pub(super) type Reply = http::Response<ReplyBody>;

/// What the server refuses, and why.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) ec: &'static str,
    pub(super) message: Box<str>,
    /// More elements of the error, and headers of the reply.
    pub(super) elements: Vec<(&'static str, String)>,
    /// What `AccessDeniedDetail` holds; empty where there is none.
    detail: Box<[(&'static str, String)]>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        ec: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into().into_boxed_str();
        Self {
            status,
            code,
            ec,
            message,
            elements: Vec::new(),
            detail: Box::default(),
            headers: Vec::new(),
        }
    }

    pub(super) fn with_element(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.elements.push((name, value.into()));
        self
    }

    pub(super) fn with_detail(mut self, detail: &[(&'static str, &str)]) -> Self {
        self.detail = detail.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn bad(code: &'static str, ec: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, ec, message)
    }

    pub(super) fn forbidden(
        code: &'static str,
        ec: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, ec, message)
    }

    pub(super) fn internal() -> Self {
        let message = "We encountered an internal error. Please try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "0012-00000001", message)
    }

    pub(super) fn not_offered() -> Self {
        let message =
            "A header or parameter you provided implies functionality that is not implemented.";
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "0012-00000002", message)
    }

    /// The body of the error, and of the `x-oss-err` header.
    fn xml(&self, host: &str, id: &str) -> String {
        let mut elements = vec![
            ("Code", self.code),
            ("Message", &self.message),
            ("RequestId", id),
            ("HostId", host),
        ];
        elements.extend(self.elements.iter().map(|(name, value)| (*name, value.as_str())));
        elements.push(("EC", self.ec));
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n");
        for (name, value) in elements {
            xml += &format!("  <{name}>{}</{name}>\n", xml_text(value));
        }
        if !self.detail.is_empty() {
            xml += "  <AccessDeniedDetail>\n";
            for (name, value) in &self.detail {
                xml += &format!("    <{name}>{}</{name}>\n", xml_text(value));
            }
            xml += "  </AccessDeniedDetail>\n";
        }
        xml + "</Error>\n"
    }

    /// A HEAD has no body, so the error goes into a header.
    pub(super) fn reply(&self, host: &str, id: &str, head: bool) -> Reply {
        let xml = self.xml(host, id);
        let mut reply = with_status(self.status);
        set(&mut reply, "x-oss-ec", self.ec);
        for (name, value) in &self.headers {
            set(&mut reply, name, value);
        }
        if head {
            set(&mut reply, "x-oss-err", &BASE64.encode(&xml));
        } else {
            set(&mut reply, "content-type", "application/xml");
            *reply.body_mut() = ReplyBody::whole(Bytes::from(xml));
        }
        reply
    }
}

pub(super) fn with_status(status: StatusCode) -> Reply {
    let mut reply = Reply::new(ReplyBody::default());
    *reply.status_mut() = status;
    reply
}

pub(super) fn ok() -> Reply {
    with_status(StatusCode::OK)
}

pub(super) fn xml(body: &str) -> Reply {
    let mut reply = ok();
    set(&mut reply, "content-type", "application/xml");
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    *reply.body_mut() = ReplyBody::whole(Bytes::from(format!("{head}{body}")));
    reply
}

/// Sets a header; a value that is none is left out.
pub(super) fn set(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
