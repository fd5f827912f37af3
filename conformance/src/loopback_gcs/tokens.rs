//! Who asks: bearer tokens, and the JWTs that service accounts sign for themselves.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::HeaderMap;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;

use super::Op;
use super::refusal::Refusal;

/// A token with all rights.
pub(super) const FULL: &str = "ya29.loopback-token-with-all-rights-0001";
/// A token that only reads.
pub(super) const READER: &str = "ya29.loopback-token-that-only-reads-0002";
/// A token that may do nothing with the bucket.
pub(super) const STRANGER: &str = "ya29.loopback-token-without-rights-0003";

/// Who a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: &'static str,
    reads: bool,
    writes: bool,
}

impl Identity {
    /// # Errors
    /// 403 for what this identity may not do.
    pub(super) fn check(&self, op: Op, bucket: &str) -> Result<(), Refusal> {
        if if op.writes() { self.writes } else { self.reads } {
            return Ok(());
        }
        Err(self.denied(op, bucket))
    }

    /// This identity lacks the permission for `op`.
    pub(super) fn denied(&self, op: Op, bucket: &str) -> Refusal {
        let access = op.permission();
        let text = format!(
            "{}@loopback.iam.gserviceaccount.com does not have {access} access to the Google Cloud Storage bucket \
             {bucket}. Permission '{access}' denied on resource (or it may not exist).",
            self.name
        );
        Refusal::new(403, "forbidden", text)
    }
}

/// A service account that signs for itself: <https://google.aip.dev/auth/4111>.
#[derive(Debug, Clone)]
struct Account {
    email: String,
    /// PKCS#1.
    public_key: Vec<u8>,
}

/// What the server goes by.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    accounts: Mutex<Vec<Account>>,
    anonymous: Mutex<bool>,
}

impl Tokens {
    fn accounts(&self) -> MutexGuard<'_, Vec<Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn allow_anonymous(&self, allowed: bool) {
        *self.anonymous.lock().unwrap_or_else(PoisonError::into_inner) = allowed;
    }

    /// `None`: that is no RSA key in PKCS#8 PEM.
    pub(super) fn add_account(&self, email: &str, private_key_pem: &str) -> Option<()> {
        let lines = private_key_pem.lines().filter(|line| !line.starts_with("-----"));
        let der = STANDARD.decode(lines.collect::<String>()).ok()?;
        let pair = RsaKeyPair::from_pkcs8(&der).ok()?;
        let public_key = pair.public_key().as_ref().to_vec();
        self.accounts().push(Account { email: email.to_owned(), public_key });
        Some(())
    }

    /// # Errors
    /// 401 without a token, and with one that nobody gave out.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Result<Identity, Refusal> {
        let header = headers.get("authorization").and_then(|value| value.to_str().ok());
        let Some(header) = header else {
            if *self.anonymous.lock().unwrap_or_else(PoisonError::into_inner) {
                return Ok(Identity { name: "anonymous", reads: true, writes: true });
            }
            let text = "Anonymous caller does not have storage.objects.get access to the Google Cloud Storage object. \
                        Permission 'storage.objects.get' denied on resource (or it may not exist).";
            return Err(Refusal::new(401, "required", text));
        };
        let token = header.strip_prefix("Bearer ").unwrap_or_default();
        let identity = |name, reads, writes| Ok(Identity { name, reads, writes });
        match token {
            FULL => identity("full", true, true),
            READER => identity("reader", true, false),
            STRANGER => identity("stranger", false, false),
            jwt if self.is_signed(jwt) => identity("account", true, true),
            _ => Err(Refusal::credentials()),
        }
    }

    /// Whether a known account has signed this JWT, for now and for this service.
    fn is_signed(&self, jwt: &str) -> bool {
        let Some((signed, signature)) = jwt.rsplit_once('.') else { return false };
        let Some(signature) = URL_SAFE_NO_PAD.decode(signature).ok() else { return false };
        let claims =
            signed.split_once('.').and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Value = match claims.and_then(|claims| serde_json::from_slice(&claims).ok()) {
            Some(claims) => claims,
            None => return false,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let time = |name: &str| claims.get(name).and_then(Value::as_u64);
        let in_time = time("iat").is_some_and(|issued| issued <= now + 300)
            && time("exp").is_some_and(|expires| expires > now);
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let for_storage = text("scope").contains("googleapis.com/auth/")
            || text("aud").starts_with("https://storage.googleapis.com");
        let by = |account: &Account| {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &account.public_key);
            account.email == text("iss") && key.verify(signed.as_bytes(), &signature).is_ok()
        };
        in_time && for_storage && self.accounts().iter().any(by)
    }
}
