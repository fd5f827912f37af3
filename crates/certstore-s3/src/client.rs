//! The driver's client: where the server is, who asks, and how long that may take.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation};
use certstore_aws::Finding;
use certstore_core::Result;
use certstore_objects::endpoint::is_cleartext;

use crate::config::S3Config;

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
        let shared = finding(config).load().await?;
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

/// Where the service is found, and who asks, as AWS programs find it.
fn finding(config: &S3Config) -> Finding<'_> {
    Finding {
        region: config.region.as_deref(),
        profile: config.profile.as_deref(),
        access_key_id: config.access_key_id.as_ref(),
        secret_access_key: config.secret_access_key.as_ref(),
        session_token: config.session_token.as_ref(),
        ca_cert: config.ca_cert.as_deref(),
        no_region: "no region is known; set region, AWS_REGION or the profile's (stores other than AWS mostly take us-east-1)",
    }
}
