//! The driver's client: where the service is, who asks, and how long that may take.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use certstore_aws::Finding;
use certstore_core::Result;
use certstore_objects::endpoint::is_cleartext;

use crate::config::SecretsManagerConfig;

/// # Errors
/// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): no region is known, or the certificate file cannot be
/// read.
pub(crate) async fn connect(config: &SecretsManagerConfig) -> Result<Client> {
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

/// Where the service is found, and who asks, as AWS programs find it.
fn finding(config: &SecretsManagerConfig) -> Finding<'_> {
    Finding {
        region: config.region.as_deref(),
        profile: config.profile.as_deref(),
        access_key_id: config.access_key_id.as_ref(),
        secret_access_key: config.secret_access_key.as_ref(),
        session_token: config.session_token.as_ref(),
        ca_cert: config.ca_cert.as_deref(),
        no_region: "no region is known; set region, AWS_REGION or the profile's",
    }
}
