//! Answering a CA while certificates are obtained.

use std::net::{Ipv6Addr, SocketAddr};

use certstore_acme::{
    ChallengeServer, Config, Error, HTTP_CHALLENGE_PORT, TLS_ALPN_CHALLENGE_PORT,
};
use clap::Args;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Chosen, failure};
use crate::exit::Failure;

#[derive(Debug, Args)]
#[command(next_help_heading = "Challenges")]
pub(in crate::commands) struct ChallengeArgs {
    /// Where to answer the CA's HTTP-01 [default: port 80, where it can be had]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Do not answer HTTP-01: others over the same storage do
    #[arg(long, conflicts_with = "http")]
    no_http: bool,
    /// Where to answer the CA's TLS-ALPN-01 [default: port 443, where it can be had]
    #[arg(long, value_name = "ADDRESS:PORT")]
    https: Option<SocketAddr>,
    /// Do not answer TLS-ALPN-01: others over the same storage do
    #[arg(long, conflicts_with = "https")]
    no_https: bool,
}

/// Answers until it is ended.
pub(in crate::commands) struct Answering {
    stops: Vec<oneshot::Sender<()>>,
    servers: JoinSet<()>,
}

impl ChallengeArgs {
    /// A port that was not asked for and cannot be had is somebody else's, who may well answer for this storage.
    pub(in crate::commands) async fn start(
        &self,
        config: &Config,
        issuer: &Chosen<'_>,
    ) -> Result<Answering, Failure> {
        let (mut stops, mut servers) = (Vec::new(), JoinSet::new());
        if !issuer.is_public() {
            return Ok(Answering { stops, servers });
        }
        let default = |port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let http = (!self.no_http).then(|| self.http.unwrap_or(default(HTTP_CHALLENGE_PORT)));
        let https =
            (!self.no_https).then(|| self.https.unwrap_or(default(TLS_ALPN_CHALLENGE_PORT)));
        let wanted = [(http, None, self.http.is_some()), (None, https, self.https.is_some())];
        for (http, https, asked_for) in wanted {
            match ChallengeServer::bind(config, http, https).await {
                Ok(server) => {
                    let (stop, stopped) = oneshot::channel::<()>();
                    stops.push(stop);
                    servers.spawn(server.serve(async { drop(stopped.await) }));
                }
                Err(error @ Error::Listen { .. }) if !asked_for => {
                    tracing::warn!(
                        "{error}; whoever listens there has to answer the CA for this storage"
                    );
                }
                Err(error) => return Err(failure(error)),
            }
        }
        Ok(Answering { stops, servers })
    }
}

impl Answering {
    pub(in crate::commands) async fn end(mut self) {
        self.stops.clear();
        while self.servers.join_next().await.is_some() {}
    }
}
