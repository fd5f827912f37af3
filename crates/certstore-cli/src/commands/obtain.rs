//! `certstore obtain`.

use certstore_acme::{Config, Error, subject};
use clap::Args;

use super::Context;
use super::manager::{Done, Session, SessionArgs};
use crate::exit::Failure;

/// Obtain certificates and keep them in the storage
#[derive(Debug, Args)]
#[command(after_help = "\
A certificate that is stored and good for a while is left as it is. Of several machines that obtain the same name at a \
time, one orders it, and all have it. While it waits, the CA's challenges are answered on ports 80 and 443 where they can \
be had; where a server over the same storage has them (certstore serve, Caddy), that answers. Wildcards, and hosts that no \
CA reaches, are proved by records in their zone (--dns-server): domains are then proved by nothing else.

Each certificate is handed on (--out, --hook) as soon as it is there. Interrupted, it prints what was done, and exits with \
128+n for the signal n; what was ordered is resumed the next time.

With --json it is an array of objects with name, outcome (obtained, stored, FAILED, interrupted), issuer, not_after, \
certificate, private_key and error.

Examples:
  certstore obtain example.com www.example.com --agree --email ops@example.com
  certstore obtain '*.example.com' --agree --dns-server 192.0.2.53 --dns-key-name certs --dns-key tsig.key
  certstore obtain printer.internal --issuer internal --out /etc/printer/tls
  certstore --storage redis://10.0.0.5/ obtain example.com --agree --hook 'systemctl reload nginx' --out /etc/nginx/tls")]
pub(crate) struct Obtain {
    /// The names: domains, *.domains, IP addresses
    #[arg(required = true, value_name = "DOMAIN")]
    names: Vec<String>,
    #[command(flatten)]
    session: SessionArgs,
}

impl Obtain {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let subjects: Vec<String> =
            self.names.iter().map(|name| subject(name)).collect::<Result<_, _>>()?;
        let work = async |session: &Session| {
            let obtain = |subject| obtain(session.config.clone(), subject);
            session.each(context, "obtaining", &subjects, obtain).await
        };
        self.session.run(context, &subjects, |builder| builder, work).await
    }
}

async fn obtain(config: Config, subject: String) -> Result<Done, Error> {
    let stored = config.cache_managed_certificate(&subject).await.ok();
    let found = config.obtain_cert(&subject).await?;
    let word = if stored.as_ref() == Some(&found) { "stored" } else { "obtained" };
    Ok(Done::Well(word, found))
}
