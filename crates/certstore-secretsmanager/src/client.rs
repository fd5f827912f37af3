//! The driver's client: where the service is, who asks, and how long that may take.

use std::fmt;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{Builder, Region, SharedHttpClient};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use certstore_core::{Result, Secret};

use crate::config::{SecretsManagerConfig, is_cleartext};
use crate::error::invalid_config;

/// # Errors
/// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): no region is known, or the certificate file cannot be
/// read.
pub(crate) async fn connect(config: &SecretsManagerConfig) -> Result<Client> {
    let http = http_client(config)?;
    let shared = shared_config(config, http).await?;
    let mut builder = Builder::from(&shared);
    let endpoint = config.endpoint.clone().or_else(|| shared.endpoint_url().map(str::to_owned));
    if let Some(endpoint) = &config.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    if endpoint.as_deref().is_some_and(is_cleartext) {
        tracing::warn!(
            "the endpoint is not https: whoever is on the way reads and changes private keys"
        );
    }
    Ok(of(builder, config))
}

/// On top of a client of the caller's; its endpoint, credentials and HTTP client stay.
pub(crate) fn from_client(client: &Client, config: &SecretsManagerConfig) -> Client {
    of(client.config().to_builder(), config)
}

/// What may be sent again, and when, is this crate's to say: the driver sends everything once.
fn of(builder: Builder, config: &SecretsManagerConfig) -> Client {
    let times = TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .operation_timeout(config.timeout)
        .build();
    let builder = builder.timeout_config(times).retry_config(RetryConfig::disabled());
    Client::from_conf(builder.build())
}

/// Credentials of the configuration. The driver logs its providers, and its own shows the access key's id.
struct Given(Credentials);

impl ProvideCredentials for Given {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Ok(self.0.clone()))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}

async fn shared_config(config: &SecretsManagerConfig, http: SharedHttpClient) -> Result<SdkConfig> {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &config.profile {
        profile = profile.profile_name(name);
    }
    let region = RegionProviderChain::first_try(config.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
        .region()
        .await;
    let Some(region) = region else {
        return Err(invalid_config("no region is known; set region, AWS_REGION or the profile's"));
    };
    let mut loader =
        aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).region(region);
    if let Some(name) = &config.profile {
        loader = loader.profile_name(name);
    }
    if let (Some(id), Some(key)) = (&config.access_key_id, &config.secret_access_key) {
        let token = config.session_token.as_ref().map(Secret::expose).map(str::to_owned);
        let given = Credentials::new(id.expose(), key.expose(), token, None, "certstore");
        loader = loader.credentials_provider(Given(given));
    }
    Ok(loader.load().await)
}

fn http_client(config: &SecretsManagerConfig) -> Result<SharedHttpClient> {
    let builder =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let Some(path) = &config.ca_cert else { return Ok(builder.build_https()) };
    let unusable =
        || invalid_config(format!("ca_cert is no file with PEM certificates: {}", path.display()));
    let pem = std::fs::read(path).map_err(|error| unusable().with_source(error))?;
    if !pem.windows(27).any(|line| line == b"-----BEGIN CERTIFICATE-----") {
        return Err(unusable());
    }
    let store = TrustStore::empty().with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(store).build();
    let context = context.map_err(|error| unusable().with_source(error))?;
    Ok(builder.tls_context(context).build_https())
}
