//! A request that is not done, and how JSON and gRPC say so.

use serde_json::{Value, json};

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) status: u16,
    /// The reason, as JSON says it.
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid", message)
    }

    pub(super) fn no_bucket() -> Self {
        Self::new(404, "notFound", "The specified bucket does not exist.")
    }

    pub(super) fn no_object(bucket: &str, object: &str) -> Self {
        Self::new(404, "notFound", format!("No such object: {bucket}/{object}"))
    }

    pub(super) fn condition() -> Self {
        let message = "At least one of the pre-conditions you specified did not hold.";
        Self::new(412, "conditionNotMet", message)
    }

    /// The generation is the one that the reader knows.
    pub(super) fn not_modified() -> Self {
        Self::new(304, "notModified", "")
    }

    pub(super) fn rate_limit(bucket: &str, object: &str) -> Self {
        let message = format!(
            "The object {bucket}/{object} exceeded the rate limit for object mutation operations (create, update, and \
             delete). Please reduce your request rate."
        );
        Self::new(429, "rateLimitExceeded", message)
    }

    /// Of a token that nobody gave out, or that has expired.
    pub(super) fn credentials() -> Self {
        Self::new(401, "authError", "Invalid Credentials")
    }

    pub(super) fn internal() -> Self {
        Self::new(500, "backendError", "We encountered an internal error. Please try again.")
    }

    pub(super) fn unavailable() -> Self {
        Self::new(503, "backendError", "We encountered an internal error. Please try again.")
    }

    /// The body of the JSON API.
    pub(super) fn to_json(&self) -> Value {
        json!({ "error": {
            "code": self.status,
            "message": self.message,
            "errors": [{ "message": self.message, "domain": "global", "reason": self.reason }],
        }})
    }

    /// The status of gRPC: <https://grpc.github.io/grpc/core/md_doc_statuscodes.html>.
    pub(super) fn grpc_status(&self) -> u32 {
        match self.status {
            400 => 3,
            401 => 16,
            403 => 7,
            404 => 5,
            409 => 10,
            304 | 412 => 9,
            429 => 8,
            501 => 12,
            503 => 14,
            _ => 13,
        }
    }
}
