//! Who asks: the credentials of the configuration, of the environment, or of where Alibaba's programs find them.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Secret};
use reqsign_aliyun_oss::{Credential, DefaultCredentialProvider, RequestSigner, SigningVersion};
use reqsign_core::{Context, FileRead, HttpSend, OsEnv, ProvideCredential, Signer};

use crate::config::{OssConfig, Signature};
use crate::endpoint::Endpoint;
use crate::error::{BACKEND, invalid_config};
use crate::tls;

/// The longest answer of a service that gives out credentials, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// How long such a service may take: one after another is asked.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Signs requests for one bucket.
pub(crate) fn signer(config: &OssConfig, endpoint: &Endpoint) -> Signer<Credential> {
    let request = RequestSigner::new(&config.bucket);
    let request = match config.signature {
        Signature::V4 => {
            request.with_signing_version(SigningVersion::V4).with_region(endpoint.region.as_str())
        }
        Signature::V1 => request.with_signing_version(SigningVersion::V1),
    };
    let context = Context::new()
        .with_env(OsEnv)
        .with_file_read(Files)
        .with_http_send(Services { client: OnceLock::new() });
    match (&config.access_key_id, &config.access_key_secret) {
        (Some(id), Some(secret)) => {
            let given = Given(id.clone(), secret.clone(), config.session_token.clone());
            Signer::new(context, given, request)
        }
        _ => {
            Signer::new(context, DefaultCredentialProvider::new().push_front(Environment), request)
        }
    }
}

/// The error of a request that could not be signed. What the signer says can hold the answer of a service, and with it
/// a secret, so only its kind is told.
pub(crate) fn unsigned(error: &reqsign_core::Error) -> Error {
    use reqsign_core::ErrorKind::{
        ConfigInvalid, CredentialInvalid, PermissionDenied, RateLimited,
    };
    match error.kind() {
        CredentialInvalid | ConfigInvalid => invalid_config(
            "no credentials are found, or they have expired; set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, a profile, \
             or access_key_id and access_key_secret",
        ),
        PermissionDenied => Error::new(
            ErrorKind::PermissionDenied,
            "the service that gives out the credentials refuses to; check the role",
        ),
        RateLimited => Error::new(
            ErrorKind::Unavailable,
            "the service that gives out the credentials asks for fewer requests; retry later",
        ),
        _ => Error::new(ErrorKind::Other, "the request could not be signed"),
    }
    .with_backend(BACKEND)
}

/// The credentials of the configuration: id, secret, token. The signer's own type for that shows them in its `Debug`.
struct Given(Secret, Secret, Option<Secret>);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}

impl ProvideCredential for Given {
    type Credential = Credential;

    async fn provide_credential(&self, _: &Context) -> reqsign_core::Result<Option<Credential>> {
        let Self(id, secret, token) = self;
        Ok(Some(credential(id.expose(), secret.expose(), token.as_ref().map(Secret::expose))))
    }
}

/// OSS's own variables, which win over those of all of Alibaba Cloud.
#[derive(Debug)]
struct Environment;

impl ProvideCredential for Environment {
    type Credential = Credential;

    async fn provide_credential(&self, of: &Context) -> reqsign_core::Result<Option<Credential>> {
        let given = |name| of.env_var(name).filter(|value| !value.is_empty());
        let pair = given("OSS_ACCESS_KEY_ID").zip(given("OSS_ACCESS_KEY_SECRET"));
        let token = given("OSS_SESSION_TOKEN");
        Ok(pair.map(|(id, secret)| credential(&id, &secret, token.as_deref())))
    }
}

fn credential(id: &str, secret: &str, token: Option<&str>) -> Credential {
    Credential {
        access_key_id: id.to_owned(),
        access_key_secret: secret.to_owned(),
        security_token: token.map(str::to_owned),
        expires_in: None,
    }
}

/// Profile files.
#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
        let unread =
            |error: &dyn fmt::Display| reqsign_core::Error::config_invalid(error.to_string());
        read.map_err(|error| unread(&error))?.map_err(|error| unread(&error))
    }
}

/// STS and the instance's metadata. Their certificates are the system's, whatever the endpoint's are.
struct Services {
    client: OnceLock<reqwest::Client>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}

impl Services {
    fn client(&self) -> reqsign_core::Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = tls::http_client(None, TIMEOUT, false)
            .map_err(|error| reqsign_core::Error::unexpected(error.to_string()))?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl HttpSend for Services {
    async fn http_send(
        &self,
        request: http::Request<Bytes>,
    ) -> reqsign_core::Result<http::Response<Bytes>> {
        let failed = |error: reqwest::Error| {
            reqsign_core::Error::unexpected(error.without_url().to_string())
        };
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        *request.timeout_mut() = Some(TIMEOUT);
        let mut reply = self.client()?.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(reqsign_core::Error::unexpected("the answer is too long"));
            }
        }
        let mut answer = http::Response::new(Bytes::from(body));
        *answer.status_mut() = reply.status();
        *answer.headers_mut() = reply.headers().clone();
        Ok(answer)
    }
}
