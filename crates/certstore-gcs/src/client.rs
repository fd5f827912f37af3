//! The driver's clients: where the service is, who asks, and that nothing is sent twice behind our back.

use certstore_core::Result;
use certstore_objects::endpoint::is_cleartext;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_storage::client::{Storage, StorageControl};
use google_cloud_storage::read_resume_policy::NeverResume;

use crate::config::GcsConfig;
use crate::credentials;
use crate::error::invalid_config;

/// One client for the bytes of objects, over HTTP, and one for the rest, over gRPC.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) data: Storage,
    pub(crate) control: StorageControl,
}

impl Clients {
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): the endpoint or the credentials cannot be used. Else of
    /// who gives out the tokens.
    pub(crate) async fn connect(config: &GcsConfig) -> Result<Self> {
        // The driver brings no TLS of its own; whoever has installed one keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if config.endpoint.as_deref().is_some_and(is_cleartext) {
            tracing::warn!(
                "the endpoint is not https: whoever is on the way reads and changes private keys"
            );
        }
        let credentials = credentials::of(config)?;
        credentials::try_out(&credentials, config.timeout).await?;
        let data = Storage::builder()
            .with_credentials(credentials.clone())
            // The driver would send conditional writes again, too.
            .with_retry_policy(NeverRetry)
            .with_read_resume_policy(NeverResume)
            // Every value goes in one request.
            .with_resumable_upload_threshold(usize::MAX);
        let control =
            StorageControl::builder().with_credentials(credentials).with_retry_policy(NeverRetry);
        let (data, control) = match &config.endpoint {
            Some(endpoint) => (data.with_endpoint(endpoint), control.with_endpoint(endpoint)),
            None => (data, control),
        };
        // Its errors may show what a credentials file holds.
        let unusable =
            |_| invalid_config("the endpoint or the credentials cannot be used; correct them");
        Ok(Self {
            data: data.build().await.map_err(unusable)?,
            control: control.build().await.map_err(unusable)?,
        })
    }
}
