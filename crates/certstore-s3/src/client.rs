//! The driver's client: where the server is, who asks, and how long that may take.

use std::fmt;
use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use certstore_core::{Result, Secret};

use crate::config::{S3Config, is_cleartext};
use crate::error::invalid_config;

/// How often a request that may be sent twice is sent at most.
const ATTEMPTS: u32 = 3;

/// One client for reads, one for writes that may be sent twice, and one for those that must not.
#[derive(Clone)]
pub(crate) struct Clients {
    /// Sends again what gets no answer in half of the time.
    pub(crate) reading: Client,
    pub(crate) repeating: Client,
    pub(crate) once: Client,
}

impl Clients {
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): no region is known, or the certificate file cannot
    /// be read.
    pub(crate) async fn connect(config: &S3Config) -> Result<Self> {
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
        builder = builder.force_path_style(config.is_path_style(endpoint.as_deref()));
        Ok(Self::of(builder, config))
    }

    /// On top of a client of the caller's; its endpoint, credentials and HTTP client stay.
    pub(crate) fn from_client(client: &Client, config: &S3Config) -> Self {
        Self::of(client.config().to_builder(), config)
    }

    fn of(builder: Builder, config: &S3Config) -> Self {
        let times = TimeoutConfig::builder()
            .connect_timeout(config.connect_timeout)
            .operation_timeout(config.timeout);
        let reading = times.clone().operation_attempt_timeout(config.timeout / 2).build();
        // Older compatible stores refuse what newer clients send by default; integrity is TLS's and the signature's.
        let builder = builder
            .timeout_config(times.build())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let repeating = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(100))
            .with_max_backoff(Duration::from_secs(1));
        let again = builder.clone().retry_config(repeating);
        Self {
            reading: Client::from_conf(again.clone().timeout_config(reading).build()),
            repeating: Client::from_conf(again.build()),
            once: Client::from_conf(builder.retry_config(RetryConfig::disabled()).build()),
        }
    }
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

async fn shared_config(config: &S3Config, http: SharedHttpClient) -> Result<SdkConfig> {
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
        return Err(invalid_config(
            "no region is known; set region, AWS_REGION or the profile's (stores other than AWS mostly take us-east-1)",
        ));
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

fn http_client(config: &S3Config) -> Result<SharedHttpClient> {
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
