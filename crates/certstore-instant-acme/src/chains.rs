//! The chains that a CA has for a certificate.

use instant_acme::HttpClient;

use crate::chain::alternates;
use crate::order::Run;
use crate::signed::Signer;
use crate::{Error, PreferredChain, Result};

impl Run<'_> {
    /// The chain that is preferred, where the CA has several for the certificate at `url`. Where they cannot be had, what is
    /// there is better than nothing.
    pub(crate) async fn preferred(&self, first: String, url: Option<&str>) -> String {
        let (Some(wanted), Some(url)) = (self.issuance.chain(), url) else { return first };
        match self.alternates(&first, url).await {
            Ok(others) => choose(wanted, first, others),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(names = %self.names, %error, cause, "other chains for the certificate cannot be had; the CA's first is taken");
                first
            }
        }
    }

    /// The other chains with the same certificate.
    async fn alternates(&self, first: &str, url: &str) -> Result<Vec<String>> {
        let (ca, accounts) = (self.issuance.ca(), self.issuance.accounts());
        let (client, signer) = (ca.http()?, accounts.signer().await?);
        let signer = signer.ok_or(Error::Unusable {
            message: "there is no account to ask for other chains with",
            source: None,
        })?;
        let mut others = ca.step("give all chains", all(&client, &signer, url)).await?;
        others.retain(|other| leaf(other) == leaf(first));
        Ok(others)
    }
}

async fn all(
    client: &impl HttpClient,
    signer: &Signer,
    url: &str,
) -> Result<Vec<String>, instant_acme::Error> {
    let (headers, _) = signer.post_as_get(client, url).await?;
    let mut found = Vec::new();
    for url in alternates(&headers) {
        let (_, chain) = signer.post_as_get(client, &url).await?;
        found.extend(String::from_utf8(chain.to_vec()));
    }
    Ok(found)
}

fn choose(wanted: &PreferredChain, first: String, others: Vec<String>) -> String {
    let mut chains = vec![first];
    chains.extend(others);
    match wanted.choose(&chains) {
        Some(chosen) => chains.swap_remove(chosen),
        None => {
            tracing::warn!(
                ?wanted,
                chains = chains.len(),
                "no chain of the CA is as preferred; its first is taken"
            );
            chains.swap_remove(0)
        }
    }
}

/// The first certificate of a chain, in PEM.
fn leaf(chain: &str) -> &str {
    chain.trim_start().split_inclusive("-----END CERTIFICATE-----").next().unwrap_or_default()
}
