//! `certstore renew`.

use std::time::SystemTime;

use certstore::bundle::BundleKeys;
use certstore::inventory::{CertificateRow, InventoryOptions, certs};
use certstore::{Dir, Storage, StorageKeys};
use certstore_acme::{Config, Error, subject};
use clap::Args;

use super::Context;
use super::manager::{Done, Session, SessionArgs, described};
use crate::exit::{Failure, one_line};

/// Renew stored certificates that are about to expire
#[derive(Debug, Args)]
#[command(after_help = "\
Due is what its CA would have renewed by now (ARI, RFC 9773): the CA is asked when it wants to be, and the time that is \
chosen is stored beside the certificate, the same for all machines and for Caddy. Where the CA does not say, due is what has \
a third of its lifetime left, or 30 days if that is less. Run it daily by cron or a timer: what is not due is left as it \
is, and of several machines one renews. Without names it renews what the issuer has given that is stored.

Each certificate is handed on (--out, --hook) as soon as it is there. Interrupted, it prints what was done, and exits with \
128+n for the signal n; what was ordered is resumed the next time.

With --json it is an array of objects with name, outcome (renewed, not due, FAILED, interrupted), issuer, not_after, \
certificate, private_key and error.

Examples:
  certstore renew --issuer acme --agree
  certstore renew example.com --agree --force
  certstore renew --issuer acme --agree --out /etc/nginx/tls --hook 'systemctl reload nginx'")]
pub(crate) struct Renew {
    /// The names; all that are stored without one
    #[arg(value_name = "DOMAIN")]
    names: Vec<String>,
    /// Also renew what is not due: after a change of issuer or key, or a CA's call to
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    session: SessionArgs,
}

impl Renew {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        if self.names.is_empty() && !self.session.names_issuer() {
            return Err(Failure::Usage(
                "name the domains, or say --issuer acme or --issuer internal to renew all that it has given".into(),
            ));
        }
        let named: Vec<String> =
            self.names.iter().map(|name| subject(name)).collect::<Result<_, _>>()?;
        let force = self.force;
        let work = async |session: &Session| {
            let subjects = match named.is_empty() {
                true => {
                    session.unless_interrupted(stored(&*session.storage, &session.issuer)).await?
                }
                false => named.clone(),
            };
            let renew = |subject| renew(session.config.clone(), subject, force);
            session.each(context, "renewing", &subjects, renew).await
        };
        self.session.run(context, &named, |builder| builder, work).await
    }
}

async fn renew(config: Config, subject: String, force: bool) -> Result<Done, Error> {
    if !force && let Err(error) = config.refresh_renewal_info(&subject).await {
        // What it has said before holds, or else the lifetime.
        let cause = described(&error);
        tracing::warn!(
            subject,
            cause,
            "it is not known when the CA would have the certificate renewed"
        );
    }
    let found = config.cache_managed_certificate(&subject).await?;
    if !force && !found.needs_renewal(config.renewal(), SystemTime::now()) {
        return Ok(Done::Well("not due", found));
    }
    let renewed = match force {
        true => config.renew_cert(&subject).await?,
        false => config.obtain_cert(&subject).await?,
    };
    Ok(Done::Well("renewed", renewed))
}

/// The names that this issuer has given certificates for. What is none for just one name is somebody else's to renew, or to
/// mend: it is left with a warning, and stops nothing else.
async fn stored(storage: &dyn Storage, issuer: &str) -> Result<Vec<String>, Failure> {
    let mut options = InventoryOptions::default();
    options.dir = Dir::new(&format!("certificates/{}", StorageKeys::safe(issuer)))?;
    let mut subjects = Vec::new();
    for row in certs(storage, &options).await? {
        match only_name(&row, issuer) {
            Ok(subject) => subjects.push(subject),
            Err(why) => {
                tracing::warn!(certificate = %row.certificate, "{why}; it is left as it is");
            }
        }
    }
    subjects.sort();
    subjects.dedup();
    Ok(subjects)
}

fn only_name(row: &CertificateRow, issuer: &str) -> Result<String, String> {
    let Some(details) = &row.details else {
        return Err(row.error.clone().unwrap_or_else(|| "it cannot be read".to_owned()));
    };
    let [name] = &*details.names else {
        return Err("it is no certificate of just one name".to_owned());
    };
    let own = |subject: &String| {
        BundleKeys::new(issuer, subject).is_ok_and(|keys| *keys.certificate() == row.certificate)
    };
    match subject(name) {
        Ok(subject) if own(&subject) => Ok(subject),
        Ok(subject) => Err(format!("it is a certificate for {subject}, which has another place")),
        Err(error) => Err(one_line(&certstore::one_line(&error))),
    }
}
