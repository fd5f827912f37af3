//! Who asks: a token that is given, a file, nobody, or whatever Google programs find by themselves.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use certstore_core::{Error, Result};
use google_cloud_auth::credentials::{
    Builder, CacheableResource, Credentials, CredentialsProvider, EntityTag, anonymous,
    external_account, impersonated, service_account, user_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, HeaderValue};
use serde_json::Value;

use crate::config::GcsConfig;
use crate::error::invalid_config;
use crate::transport;

/// # Errors
/// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): the file, or what the environment names, is no
/// credentials. No error shows what stands in them.
pub(crate) fn of(config: &GcsConfig) -> Result<Credentials> {
    if let Some(token) = &config.access_token {
        return Given::new(token.expose()).map(Credentials::from);
    }
    if config.anonymous {
        return Ok(anonymous::Builder::new().build());
    }
    match &config.credentials_file {
        Some(path) => from_file(path),
        None => Builder::default().build().map_err(|_| {
            invalid_config(
                "the credentials that GOOGLE_APPLICATION_CREDENTIALS or gcloud name cannot be used; correct them, or set \
                 credentials_file or access_token",
            )
        }),
    }
}

/// Gets a token, so that credentials that give none are told as such. It is kept for the requests that follow.
///
/// # Errors
/// [`PermissionDenied`](certstore_core::ErrorKind::PermissionDenied): there is none for these.
/// [`Unavailable`](certstore_core::ErrorKind::Unavailable): who gives them out does not answer.
pub(crate) async fn try_out(credentials: &Credentials, limit: Duration) -> Result<()> {
    match tokio::time::timeout(limit, credentials.headers(Extensions::new())).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(transport::no_token(error.is_transient())),
        Err(_) => Err(transport::no_token(true)),
    }
}

/// A file as Google writes it, of any of these types: <https://google.aip.dev/auth/4110>.
fn from_file(path: &Path) -> Result<Credentials> {
    let about = |what: &str| invalid_config(format!("credentials_file {what}: {}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    let value: Value = serde_json::from_str(&text).map_err(|_| about("is no JSON"))?;
    let kind = value.get("type").and_then(Value::as_str).map(str::to_owned);
    let built = match kind.as_deref() {
        Some("service_account") => service_account::Builder::new(value).build(),
        Some("authorized_user") => user_account::Builder::new(value).build(),
        Some("external_account") => external_account::Builder::new(value).build(),
        Some("impersonated_service_account") => impersonated::Builder::new(value).build(),
        _ => {
            return Err(about(
                "is of none of the types service_account, authorized_user, external_account and \
                 impersonated_service_account",
            ));
        }
    };
    built.map_err(|_| about("lacks a field or has a wrong one"))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let message = format!("credentials_file cannot be read: {}", path.display());
    invalid_config(message).with_source(error)
}

/// An access token of the configuration. It is not renewed.
struct Given {
    headers: HeaderMap,
    tag: EntityTag,
}

impl Given {
    fn new(token: &str) -> Result<Self> {
        let unusable = |_| invalid_config("access_token has characters that no token has");
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(unusable)?;
        bearer.set_sensitive(true);
        Ok(Self { headers: HeaderMap::from_iter([(AUTHORIZATION, bearer)]), tag: EntityTag::new() })
    }
}

impl CredentialsProvider for Given {
    async fn headers(
        &self,
        extensions: Extensions,
    ) -> std::result::Result<CacheableResource<HeaderMap>, CredentialsError> {
        if extensions.get::<EntityTag>() == Some(&self.tag) {
            return Ok(CacheableResource::NotModified);
        }
        Ok(CacheableResource::New { entity_tag: self.tag.clone(), data: self.headers.clone() })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}
