//! `certstore serve`.

mod proxy;
mod site;
mod told;
mod upgrade;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use certstore::Storage;
use certstore_acme::{
    Config, Error, HttpsOptions, HttpsServer, TicketKeys, TicketOptions, subject,
};
use clap::Args;

use super::Context;
use super::manager::{Interrupt, IssuerArgs, failure, over_storage};
use crate::exit::Failure;
use crate::output::Telling;
use site::Site;
use told::Told;

/// HTTPS and HTTP, and where a program that is not root's may listen in their place.
const PORTS: [(u16, u16); 2] = [(443, 8443), (80, 8080)];

/// Serve a site over HTTPS, with certificates that are obtained and renewed by itself
#[derive(Debug, Args)]
#[command(after_help = "\
Certificates lie in the storage: several machines over one storage obtain each of them once, answer the CA for each other, \
and all serve it. HTTP is answered with redirects to HTTPS.

The internal issuer makes an authority of its own in the storage, for development and private networks, and is told how to \
trust. It is the default where no public CA could issue: localhost, addresses of a private network, names like \
printer.internal. For other names the default is ACME, with Let's Encrypt unless --ca says otherwise.

Without --dir and --to it serves one page that says that it works. It ends when it is interrupted.

Examples:
  certstore serve localhost --issuer internal
  certstore serve localhost --dir ./public --https 127.0.0.1:8443
  certstore serve example.com www.example.com --agree --email ops@example.com --to http://127.0.0.1:3000
  certstore --storage redis://10.0.0.5/ serve '*.apps.internal' --to http://127.0.0.1:3000")]
pub(crate) struct Serve {
    /// The names to serve: domains, *.domains, IP addresses
    #[arg(required = true, value_name = "DOMAIN")]
    names: Vec<String>,
    #[command(flatten)]
    issuer: IssuerArgs,
    /// Serve the files of this directory
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    dir: Option<PathBuf>,
    /// Hand requests on to the HTTP server at this URL, with X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto;
    /// WebSockets are carried
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Where to serve HTTPS [default: port 443; 8443 where that cannot be had]
    #[arg(long, value_name = "ADDRESS:PORT")]
    https: Option<SocketAddr>,
    /// Where to answer HTTP [default: port 80; 8080 where that cannot be had]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Do not answer HTTP: a CA that looks at HTTP-01 is answered by others over the same storage
    #[arg(long, conflicts_with = "http")]
    no_http: bool,
}

impl Serve {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let subjects: Vec<String> =
            self.names.iter().map(|name| subject(name)).collect::<Result<_, _>>()?;
        self.issuer.choose(&subjects)?;
        let site = Site::new(self.dir.as_deref(), self.to.as_deref(), &subjects)?;
        over_storage(context, async |storage| self.work(context, &subjects, site, storage).await)
            .await
    }

    async fn work(
        self,
        context: &Context,
        subjects: &[String],
        site: Site,
        storage: Arc<dyn Storage>,
    ) -> Result<(), Failure> {
        let issuer = self.issuer.choose(subjects)?;
        let files = context.config()?.path().map(Path::to_path_buf);
        let config = issuer.builder(&storage)?.build();
        let tickets = TicketKeys::new(Arc::clone(&storage), TicketOptions::default())?;
        let server = self.bind(&config, subjects, &tickets, issuer.is_public()).await?;
        let told = Told::new(&server, subjects, issuer.authority(), files)?;
        // A CA looks at challenges before there is a certificate.
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(site, async { drop(stopped.await) }));
        let interrupt = Interrupt::listen();
        // From the start: what other nodes obtain meanwhile is served.
        let renewing = config.maintain();
        tokio::select! {
            managed = config.manage(subjects) => if let Err(error) = managed {
                // What is valid yet is served; the failure is in the log, and it is tried again.
                let now = SystemTime::now();
                let found = |subject: &String| config.get_certificate(subject);
                let valid = |subject| found(subject).is_some_and(|found| !found.has_expired(now));
                if !subjects.iter().all(valid) {
                    return Err(failure(error));
                }
            },
            _ = interrupt.come() => return Ok(()),
        }
        let sharing = tokio::spawn(async move { tickets.maintain().await });
        Telling::new(context.output()).tell(|out| told.print(&config, out));
        interrupt.come().await;
        sharing.abort();
        renewing.stop().await;
        drop(stop);
        // It was asked to end: there is nothing to tell.
        drop(serving.await);
        Ok(())
    }

    /// Where to listen unless it is said: everywhere, but where only this machine is served.
    fn address(&self, subjects: &[String]) -> Result<IpAddr, Failure> {
        if !subjects.iter().all(|subject| is_loopback(subject)) {
            return Ok(Ipv6Addr::UNSPECIFIED.into());
        }
        let localhost = IpAddr::from(Ipv4Addr::LOCALHOST);
        let own = subjects.iter().map(|subject| subject.parse().unwrap_or(localhost));
        let own: BTreeSet<IpAddr> = own.collect();
        match own.first() {
            Some(only) if own.len() == 1 => Ok(*only),
            _ if self.https.is_some() => Ok(localhost),
            _ => Err(Failure::Usage(
                "these names have several addresses of this machine: choose one with --https"
                    .into(),
            )),
        }
    }

    async fn bind(
        &self,
        config: &Config,
        subjects: &[String],
        tickets: &Arc<TicketKeys>,
        public: bool,
    ) -> Result<HttpsServer, Failure> {
        let address = self.address(subjects)?;
        let mut options = HttpsOptions::default();
        options.tickets = Some(Arc::clone(tickets));
        options.https = self.https.unwrap_or_else(|| (address, PORTS[0].0).into());
        let http = self.http.unwrap_or_else(|| (address, PORTS[1].0).into());
        options.http = (!self.no_http).then_some(http);
        // Ports that were not asked for give way to those that anybody may have; a CA looks at no other than the first.
        let gives_way = |error: &std::io::Error| match error.kind() {
            ErrorKind::PermissionDenied => true,
            ErrorKind::AddrInUse => !public,
            _ => false,
        };
        for _ in 0..=PORTS.len() {
            match HttpsServer::bind(config, options.clone()).await {
                Err(Error::Listen { address, source }) if gives_way(&source) => {
                    let other = PORTS.iter().find(|(port, _)| *port == address.port());
                    let Some((_, other)) = other else {
                        return Err(failure(Error::Listen { address, source }));
                    };
                    if address == options.https && self.https.is_none() {
                        options.https.set_port(*other);
                    } else if Some(address) == options.http && self.http.is_none() {
                        options.http = Some((address.ip(), *other).into());
                    } else {
                        return Err(failure(Error::Listen { address, source }));
                    }
                }
                bound => return bound.map_err(failure),
            }
        }
        Err(Failure::Usage("no port can be listened on: choose one with --https".into()))
    }
}

/// Whether only this machine reaches it.
fn is_loopback(subject: &str) -> bool {
    match subject.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => subject == "localhost" || subject.ends_with(".localhost"),
    }
}
