//! `certstore renew`.

use std::time::SystemTime;

use certstore::inventory::{InventoryOptions, certs};
use certstore::{Dir, Storage, StorageKeys};
use certstore_acme::{Config, Error, RenewalPolicy, subject};
use clap::Args;

use super::Context;
use super::manager::{Done, Session, SessionArgs};
use crate::exit::Failure;

/// Renew stored certificates that are about to expire
#[derive(Debug, Args)]
#[command(after_help = "\
Due is what has a third of its lifetime left, or 30 days if that is less. Run it daily by cron or a timer: what is not due \
is left as it is, and of several machines one renews. Without names it renews what the issuer has given that is stored.

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
    let found = config.cache_managed_certificate(&subject).await?;
    if !force && !found.needs_renewal(&RenewalPolicy::default(), SystemTime::now()) {
        return Ok(Done::Well("not due", found));
    }
    let renewed = match force {
        true => config.renew_cert(&subject).await?,
        false => config.obtain_cert(&subject).await?,
    };
    Ok(Done::Well("renewed", renewed))
}

/// The names that this issuer has given certificates for. One for several names is somebody else's to renew: it is left
/// with a warning.
async fn stored(storage: &dyn Storage, issuer: &str) -> Result<Vec<String>, Failure> {
    let mut options = InventoryOptions::default();
    options.dir = Dir::new(&format!("certificates/{}", StorageKeys::safe(issuer)))?;
    let mut subjects = Vec::new();
    for row in certs(storage, &options).await? {
        match row.details.as_ref().map(|details| &*details.names) {
            Some([name]) => subjects.push(subject(name)?),
            _ => {
                tracing::warn!(certificate = %row.certificate, "it is no certificate of just one name; it is left as it is");
            }
        }
    }
    subjects.sort();
    subjects.dedup();
    Ok(subjects)
}
