//! `certstore revoke`.

use std::sync::Arc;

use certstore::Storage;
use certstore_acme::{Config, RevocationReason, parse_revocation_reason, subject};
use clap::Args;

use super::Context;
use super::manager::{CaArgs, Done, Obtained, each, over_storage, report};
use crate::exit::Failure;

/// Have the CA revoke stored certificates, and delete them
#[derive(Debug, Args)]
#[command(after_help = "\
The certificate is revoked by the account that ordered it, then deleted from the storage with its private key. With the \
reason key-compromise the key is kept beside it as NAME.key.compromised. Whoever wants another certificate, with another \
key, obtains it: certstore obtain.

Reasons (RFC 5280): unspecified, key-compromise, ca-compromise, affiliation-changed, superseded, cessation-of-operation, \
certificate-hold, privilege-withdrawn, aa-compromise. Public CAs take the first two and superseded, \
affiliation-changed and cessation-of-operation.

With --json it is an array of objects with name, outcome (revoked, FAILED) and error.

Examples:
  certstore revoke example.com
  certstore revoke example.com --reason key-compromise
  certstore revoke example.com --ca https://acme-staging-v02.api.letsencrypt.org/directory")]
pub(crate) struct Revoke {
    /// The names of the certificates
    #[arg(required = true, value_name = "DOMAIN")]
    names: Vec<String>,
    /// Why
    #[arg(long, value_name = "REASON", default_value = "unspecified", value_parser = reason)]
    reason: RevocationReason,
    #[command(flatten)]
    ca: CaArgs,
}

impl Revoke {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let subjects: Vec<String> =
            self.names.iter().map(|name| subject(name)).collect::<Result<_, _>>()?;
        over_storage(context, async |storage| self.work(context, &subjects, storage).await).await
    }

    async fn work(
        self,
        context: &Context,
        subjects: &[String],
        storage: Arc<dyn Storage>,
    ) -> Result<(), Failure> {
        let issuer = self.ca.issuer(&storage)?;
        let config = Config::builder(storage).issuer(issuer).build();
        let reason = self.reason;
        let all = each(context.global.quiet, "revoking", subjects, |subject| {
            let config = config.clone();
            async move {
                let done = config.revoke_cert(&subject, reason).await;
                Obtained::new(subject, done.map(|()| Done::Gone("revoked")), Ok(()))
            }
        });
        report(&all.await, None, context.output())
    }
}

/// By its name in RFC 5280, or that with dashes.
fn reason(text: &str) -> Result<RevocationReason, String> {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    parse_revocation_reason(&plain).map_err(|error| error.to_string())
}
