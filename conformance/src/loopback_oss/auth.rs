//! Who asks: the keys that there are, and whether a request is signed by one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::reply::Refusal;
use super::request::Ask;
use super::{v1, v4};
use crate::loopback::credentials::{Credentials, Identity};

/// How far a client's clock may be off.
const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// The keys that exist.
#[derive(Debug, Clone)]
pub(super) struct Keys(pub(super) Arc<Vec<Identity>>);

/// What a signature says, and what it should be.
pub(super) struct Signed<'a> {
    pub(super) access_key: &'a str,
    pub(super) signature: &'a str,
    /// What was signed, as the server sees it: a client that gets it wrong wants to know.
    pub(super) text: String,
    /// The right signature for a secret.
    pub(super) by: Box<dyn Fn(&str) -> String + 'a>,
    /// When the client says that it signed.
    pub(super) time: Option<SystemTime>,
}

impl Keys {
    /// Whose request it is.
    pub(super) fn check(&self, ask: &Ask, now: SystemTime) -> Result<&Identity, Refusal> {
        let header = ask.header("authorization");
        let signed = if let Some(rest) = header.strip_prefix("OSS4-HMAC-SHA256 ") {
            v4::signed(ask, rest)?
        } else if let Some(rest) = header.strip_prefix("OSS ") {
            v1::signed(ask, rest)?
        } else {
            let message = "You have no right to access this object because of bucket acl.";
            return Err(Refusal::forbidden("AccessDenied", "0003-00000001", message));
        };
        let known = self.0.iter().find(|known| known.credentials.access_key == signed.access_key);
        let identity = known.ok_or_else(|| unknown_key(signed.access_key))?;
        check_token(ask, identity)?;
        if (signed.by)(&identity.credentials.secret_key) != signed.signature {
            return Err(wrong_signature(&signed));
        }
        let distance = |time| now.duration_since(time).unwrap_or_else(|error| error.duration());
        if signed.time.is_none_or(|time| distance(time) > MAX_SKEW) {
            return Err(too_skewed());
        }
        Ok(identity)
    }
}

pub(super) fn too_skewed() -> Refusal {
    let message = "The difference between the request time and the current time is too large.";
    Refusal::forbidden("RequestTimeTooSkewed", "0002-00000504", message)
}

/// No policy of the user allows this:
/// <https://www.alibabacloud.com/help/en/oss/support/0003-00000201>, there for a policy that denies.
pub(super) fn denied(permission: &str) -> Refusal {
    let message = "You have no right to access this object because of bucket acl.";
    Refusal::forbidden("AccessDenied", "0003-00000001", message).with_detail(&[
        ("PolicyType", "AccountLevelIdentityBasedPolicy"),
        ("AuthPrincipalType", "SubUser"),
        ("NoPermissionType", "ImplicitDeny"),
        ("AuthAction", permission),
    ])
}

fn unknown_key(access_key: &str) -> Refusal {
    let message = "The OSS Access Key Id you provided does not exist in our records.";
    Refusal::forbidden("InvalidAccessKeyId", "0002-00000902", message)
        .with_element("OSSAccessKeyId", access_key)
}

fn wrong_signature(signed: &Signed<'_>) -> Refusal {
    let message = "The request signature we calculated does not match the signature you provided. Check your key and \
                   signing method.";
    Refusal::forbidden("SignatureDoesNotMatch", "0002-00000040", message)
        .with_element("OSSAccessKeyId", signed.access_key)
        .with_element("SignatureProvided", signed.signature)
        .with_element("StringToSign", signed.text.as_str())
}

/// Temporary keys are good with their token only, and others with none.
fn check_token(ask: &Ask, identity: &Identity) -> Result<(), Refusal> {
    let Credentials { access_key, session_token, .. } = &identity.credentials;
    match (session_token.as_deref(), ask.header("x-oss-security-token")) {
        (None, "") => Ok(()),
        (Some(token), sent) if token == sent => Ok(()),
        (Some(_), "") => Err(unknown_key(access_key)),
        _ => {
            let message = "The security token you provided is invalid.";
            Err(Refusal::forbidden("InvalidSecurityToken", "0002-00000081", message))
        }
    }
}
