//! Proving names by records in their zone.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use certstore::Secret;
use certstore_acme::{AcmeIssuer, DnsChallenge, DnsError, Rfc2136};
use clap::Args;

use crate::exit::Failure;

const DNS_PORT: u16 = 53;

#[derive(Debug, Args)]
#[command(next_help_heading = "DNS-01")]
pub(in crate::commands) struct DnsArgs {
    /// Prove names by TXT records that the DNS server at this address is asked to make (RFC 2136); wildcards need it
    #[arg(long, value_name = "IP[:PORT]", value_parser = address, requires_all = ["dns_key_name", "dns_key"])]
    dns_server: Option<SocketAddr>,
    /// The name of the key (TSIG) that signs updates
    #[arg(long, value_name = "NAME", requires = "dns_server")]
    dns_key_name: Option<String>,
    /// The file with that key, as tsig-keygen prints it: base64
    #[arg(long, value_name = "FILE", requires = "dns_server")]
    dns_key: Option<PathBuf>,
    /// What it signs with: hmac-sha256, hmac-sha384 or hmac-sha512
    #[arg(long, value_name = "NAME", default_value = "hmac-sha256", requires = "dns_server")]
    dns_key_algorithm: String,
    /// A DNS server that knows the zone and its servers, in place of the system's; several times for several
    #[arg(long, value_name = "IP[:PORT]", value_parser = address, requires = "dns_server")]
    dns_resolver: Vec<SocketAddr>,
    /// The port of the zone's own servers, which must all have the record before the CA is told
    #[arg(long, value_name = "PORT", default_value_t = DNS_PORT, requires = "dns_server")]
    dns_port: u16,
    /// Make the records at this name, to which the names' _acme-challenge are CNAME records
    #[arg(long, value_name = "NAME", requires = "dns_server")]
    dns_override: Option<String>,
}

impl DnsArgs {
    /// Whether names are proved by it.
    pub(super) fn is_said(&self) -> bool {
        self.dns_server.is_some()
    }

    /// Has the issuer prove names by it, if that was said.
    ///
    /// # Errors
    /// The file cannot be read, or the key is of no use.
    pub(super) fn on(&self, issuer: AcmeIssuer) -> Result<AcmeIssuer, Failure> {
        let (Some(server), Some(name), Some(file)) =
            (self.dns_server, &self.dns_key_name, &self.dns_key)
        else {
            return Ok(issuer);
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::local(format!("read {}", file.display()), error))?;
        let key = Secret::new(text.trim());
        let wrong = |error: DnsError| Failure::Usage(error.to_string());
        let server = Rfc2136::new(server, name, &self.dns_key_algorithm, &key).map_err(wrong)?;
        let challenge = DnsChallenge::new(server)
            .with_resolvers(self.dns_resolver.iter().copied())
            .with_authoritative_port(self.dns_port);
        Ok(issuer.with_dns_challenge(match &self.dns_override {
            Some(name) => challenge.with_override_domain(name),
            None => challenge,
        }))
    }
}

/// An address, whose port is that of DNS unless it has one.
fn address(text: &str) -> Result<SocketAddr, String> {
    let alone = || text.parse().map(|address: IpAddr| SocketAddr::from((address, DNS_PORT)));
    text.parse()
        .or_else(|_| alone())
        .map_err(|_| "it is no IP address, alone or with a port".into())
}
