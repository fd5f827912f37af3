//! Refusals, by the service's names.

use serde_json::{Value, json};

use super::{Op, REGION};

/// A refusal: HTTP status, the error's name, words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

pub(super) type Done<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = match code {
            "InternalServiceError" => 500,
            "ServiceUnavailable" => 503,
            _ => 400,
        };
        Self { status, code, message: message.into() }
    }

    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(super) fn no_secret() -> Self {
        Self::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    }

    /// The signature's time is too far from the server's.
    pub(super) fn skewed(stamp: &str) -> Self {
        let message = format!("Signature expired: {stamp} is too far from now");
        Self::new("InvalidSignatureException", message)
    }

    /// No policy allows `op`.
    pub(super) fn denied(op: Op) -> Self {
        let permission = op.permission();
        let message = format!(
            "User: arn:aws:iam::123456789012:user/loopback is not authorized to perform: {permission} on resource: \
             arn:aws:secretsmanager:{REGION}:123456789012:secret:* because no identity-based policy allows the \
             {permission} action"
        );
        Self::new("AccessDeniedException", message)
    }

    pub(super) fn scheduled() -> Self {
        Self::request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    }

    pub(super) fn body(&self) -> Value {
        json!({ "__type": self.code, "Message": self.message })
    }
}
