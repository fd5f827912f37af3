//! Where the service is, who asks, and whom to trust.

use std::path::Path;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use certstore_core::{Error, ErrorKind, Result, Secret};

use crate::credentials::Given;

/// What a configuration gives; the rest comes from where AWS programs find it: environment, profile, web identity,
/// container or instance metadata.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// The region; `None`: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's.
    pub region: Option<&'a str>,
    /// The profile of the AWS configuration files; `None`: `AWS_PROFILE`, then `default`.
    pub profile: Option<&'a str>,
    /// The access key's id. With the secret it wins over every other source.
    pub access_key_id: Option<&'a Secret>,
    /// The access key's secret.
    pub secret_access_key: Option<&'a Secret>,
    /// The token of temporary credentials.
    pub session_token: Option<&'a Secret>,
    /// A PEM file with the certificates that the endpoint's is checked against, in place of the system's.
    pub ca_cert: Option<&'a Path>,
    /// What is said when no region is known.
    pub no_region: &'static str,
}

impl Finding<'_> {
    /// The settings of a client. Reads files; asks who gives out credentials only when they are needed, at the first
    /// request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: no region is known, or the certificate file cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn load(&self) -> Result<SdkConfig> {
        let http = self.http_client()?;
        let region = self.region().await?;
        let mut loader =
            aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).region(region);
        if let Some(name) = self.profile {
            loader = loader.profile_name(name);
        }
        if let (Some(id), Some(key)) = (self.access_key_id, self.secret_access_key) {
            loader = loader.credentials_provider(Given::new(id, key, self.session_token));
        }
        Ok(loader.load().await)
    }

    async fn region(&self) -> Result<Region> {
        let mut profile = ProfileFileRegionProvider::builder();
        if let Some(name) = self.profile {
            profile = profile.profile_name(name);
        }
        let given = self.region.map(|region| Region::new(region.to_owned()));
        let region = RegionProviderChain::first_try(given)
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(profile.build())
            .region()
            .await;
        region.ok_or_else(|| Error::new(ErrorKind::InvalidConfig, self.no_region))
    }

    fn http_client(&self) -> Result<SharedHttpClient> {
        let builder =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        let Some(path) = self.ca_cert else { return Ok(builder.build_https()) };
        let unusable = || {
            let message = format!("ca_cert is no file with PEM certificates: {}", path.display());
            Error::new(ErrorKind::InvalidConfig, message)
        };
        let pem = std::fs::read(path).map_err(|error| unusable().with_source(error))?;
        if !pem.windows(27).any(|line| line == b"-----BEGIN CERTIFICATE-----") {
            return Err(unusable());
        }
        let store = TrustStore::empty().with_pem_certificate(pem);
        let context = TlsContext::builder().with_trust_store(store).build();
        let context = context.map_err(|error| unusable().with_source(error))?;
        Ok(builder.tls_context(context).build_https())
    }
}

#[cfg(test)]
#[path = "finding_tests.rs"]
mod tests;
