//! Who may do what: access keys, the region of the signature, and the faults that strike before the request is done.

use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::path::S3Path;
use s3s::{S3Result, s3_error};

use super::call::{Call, denied};
use super::encode::percent_decode;
use super::fault::Faults;
use super::{Op, REGION};
use crate::loopback::credentials::Identity;

/// The keys that exist; s3s compares the signatures.
#[derive(Debug, Clone)]
pub(super) struct Keys(pub(super) Arc<Vec<Identity>>);

impl Keys {
    fn find(&self, access_key: &str) -> Option<&Identity> {
        self.0.iter().find(|identity| identity.credentials.access_key == access_key)
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let text = "The AWS Access Key Id you provided does not exist in our records.";
        let identity =
            self.find(access_key).ok_or_else(|| s3_error!(InvalidAccessKeyId, "{}", text))?;
        Ok(SecretKey::from(identity.credentials.secret_key.as_str()))
    }
}

/// Asked once a request's signature is right and its operation known, before anything is done.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) keys: Keys,
    pub(super) faults: Arc<Faults>,
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let op = Op::from_name(cx.s3_op().name());
        let access_key = cx.credentials().map(|credentials| credentials.access_key.clone());
        let (bucket, key) = target(cx);
        let call = cx.extensions_mut().get::<Arc<Call>>().cloned();
        let call = call.ok_or_else(|| s3_error!(InternalError, "a request without its call"))?;
        call.identify(op, &bucket, &key, access_key.as_deref().unwrap_or_default());

        let identity = access_key.and_then(|key| self.keys.find(&key));
        let identity = identity.ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))?;
        check_region(cx)?;
        check_token(cx, identity)?;
        if op.writes() && !identity.may_write {
            return Err(denied(op));
        }
        call.suffer(self.faults.take(op, &key, call.conditional()));
        call.before().await
    }
}

/// Bucket and key; for lists the prefix stands for the key.
fn target(cx: &S3AccessContext<'_>) -> (String, String) {
    match cx.s3_path() {
        S3Path::Root => (String::new(), String::new()),
        S3Path::Object { bucket, key } => (bucket.to_string(), key.to_string()),
        S3Path::Bucket { bucket } => {
            let pairs = cx.uri().query().unwrap_or_default().split('&');
            let prefix = pairs.filter_map(|pair| pair.strip_prefix("prefix=")).next();
            (bucket.to_string(), prefix.map(percent_decode).unwrap_or_default())
        }
    }
}

/// The region in the credential scope, of a header or of a presigned URL.
fn check_region(cx: &S3AccessContext<'_>) -> S3Result<()> {
    let header = cx.headers().get("authorization").and_then(|value| value.to_str().ok());
    let scope = match header {
        Some(header) => header.split_once("Credential=").map(|(_, rest)| rest.to_owned()),
        None => {
            let pairs = cx.uri().query().unwrap_or_default().split('&');
            pairs
                .filter_map(|pair| pair.strip_prefix("X-Amz-Credential="))
                .map(percent_decode)
                .next()
        }
    };
    let scope = scope.unwrap_or_default();
    match scope.split('/').nth(2) {
        Some(REGION) => Ok(()),
        Some(region) => Err(s3_error!(
            AuthorizationHeaderMalformed,
            "The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
            region,
            REGION
        )),
        None => Err(s3_error!(AccessDenied, "Only signatures of version 4 are accepted")),
    }
}

/// Temporary keys are good with their session token only, and others with none.
fn check_token(cx: &S3AccessContext<'_>, identity: &Identity) -> S3Result<()> {
    let sent = cx.headers().get("x-amz-security-token").map(hyper::header::HeaderValue::as_bytes);
    if sent == identity.credentials.session_token.as_deref().map(str::as_bytes) {
        return Ok(());
    }
    Err(s3_error!(InvalidToken, "The provided token is malformed or otherwise invalid."))
}
