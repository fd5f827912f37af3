//! What the DNS says.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};

use super::{DnsChallenge, DnsError};

/// How long one server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// A server of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    /// IPv4 first: not every machine has IPv6.
    pub(super) addresses: Vec<SocketAddr>,
}

/// The questions of DNS-01.
#[async_trait]
pub(super) trait Lookups: Send + Sync {
    /// The zone that a name lies in.
    async fn zone(&self, name: &str) -> Result<String, DnsError>;
    /// The servers of a zone.
    async fn servers(&self, zone: &str) -> Result<Vec<Server>, DnsError>;
    /// The values of the TXT records at a name, as one server has them.
    async fn values(&self, server: SocketAddr, name: &str) -> Result<Vec<String>, DnsError>;
}

/// Asks the DNS: nothing is kept from one question to the next.
pub(super) struct Dns {
    resolvers: Vec<SocketAddr>,
    authoritative_port: u16,
}

impl Dns {
    pub(super) fn new(challenge: &DnsChallenge) -> Self {
        let resolvers = challenge.resolvers.clone();
        Self { resolvers, authoritative_port: challenge.authoritative_port }
    }

    /// The resolvers that know all zones.
    fn recursive(&self, name: &str) -> Result<TokioResolver, DnsError> {
        let made = match self.resolvers.is_empty() {
            true => Resolver::builder_tokio().and_then(|mut builder| {
                set(builder.options_mut(), true);
                builder.build()
            }),
            false => resolver(&self.resolvers, true),
        };
        made.map_err(|error| failed(name, error))
    }
}

#[async_trait]
impl Lookups for Dns {
    async fn zone(&self, name: &str) -> Result<String, DnsError> {
        let resolver = self.recursive(name)?;
        let mut rest = name;
        loop {
            let asked = absolute(rest)?;
            match resolver.soa_lookup(asked.clone()).await {
                Ok(found) => {
                    let is_apex = found.answers().iter().any(|record| {
                        record.record_type() == RecordType::SOA && record.name == asked
                    });
                    if is_apex {
                        return Ok(rest.to_owned());
                    }
                }
                Err(error) if error.is_no_records_found() => {}
                Err(error) => return Err(failed(rest, error)),
            }
            match rest.split_once('.') {
                Some((_, above)) => rest = above,
                None => return Err(DnsError::NoZone { name: name.to_owned() }),
            }
        }
    }

    async fn servers(&self, zone: &str) -> Result<Vec<Server>, DnsError> {
        let resolver = self.recursive(zone)?;
        let found =
            resolver.ns_lookup(absolute(zone)?).await.map_err(|error| failed(zone, error))?;
        let names = found.answers().iter().filter_map(|record| match &record.data {
            RData::NS(server) => Some(server.0.clone()),
            _ => None,
        });
        let mut servers = Vec::new();
        for name in names {
            let found = resolver.lookup_ip(name.clone()).await;
            let name = name.to_string();
            let found = found.map_err(|error| failed(&name, error))?;
            let address = |ip| SocketAddr::from((ip, self.authoritative_port));
            let mut addresses: Vec<SocketAddr> = found.iter().map(address).collect();
            addresses.sort_unstable();
            servers.push(Server { name: name.trim_end_matches('.').to_owned(), addresses });
        }
        Ok(servers)
    }

    async fn values(&self, server: SocketAddr, name: &str) -> Result<Vec<String>, DnsError> {
        let resolver = resolver(&[server], false).map_err(|error| failed(name, error))?;
        let found = match resolver.txt_lookup(absolute(name)?).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(failed(name, error)),
        };
        let values = found.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(values.collect())
    }
}

fn resolver(servers: &[SocketAddr], recursive: bool) -> Result<TokioResolver, NetError> {
    let servers = servers.iter().map(|server| {
        let connections =
            [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
        NameServerConfig::new(server.ip(), true, connections.into())
    });
    let config = ResolverConfig::from_name_servers(servers.collect());
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    set(builder.options_mut(), recursive);
    builder.build()
}

fn set(options: &mut ResolverOpts, recursive: bool) {
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.recursion_desired = recursive;
    options.timeout = ANSWER_LIMIT;
}

/// With the dot at its end, so that no domain is searched.
fn absolute(name: &str) -> Result<Name, DnsError> {
    let parsed = Name::from_ascii(format!("{name}."));
    parsed.map_err(|error| failed(name, NetError::from(error)))
}

fn failed(name: &str, error: NetError) -> DnsError {
    DnsError::Lookup { name: name.to_owned(), source: Box::new(error) }
}
