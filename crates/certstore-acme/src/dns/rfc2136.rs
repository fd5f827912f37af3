//! Zones changed by RFC 2136.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certstore_core::Secret;
use hickory_resolver::net::client::{Client, ClientHandle as _};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::{DnsMultiplexer, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::TXT;
use hickory_resolver::proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_resolver::proto::rr::{Name, RData, RecordSet, RecordType, TSigner};
use tokio::time::timeout;

use super::{DnsError, DnsProvider, TxtRecord};

/// How long one change may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How far the clocks of both sides may be apart, in seconds, as RFC 8945, section 10, recommends.
const FUDGE: u16 = 300;
const DNS_PORT: u16 = 53;
/// The settings of a configuration.
const SETTINGS: [&str; 4] = ["server", "key_name", "key_algorithm", "key"];

/// A DNS server that takes updates (RFC 2136) over TCP, signed by TSIG (RFC 8945): BIND, Knot, PowerDNS, Windows Server and
/// others.
///
/// Adding and removing a record are one step each, so several nodes may change one name at a time.
#[derive(Clone)]
pub struct Rfc2136 {
    server: SocketAddr,
    key_name: Name,
    algorithm: TsigAlgorithm,
    /// In base64.
    key: Secret,
}

type Multiplexed = DnsMultiplexer<
    TcpClientStream<<TokioRuntimeProvider as hickory_resolver::net::runtime::RuntimeProvider>::Tcp>,
>;

impl Rfc2136 {
    /// The server at this address. `algorithm` as BIND calls it: `hmac-sha256`, `hmac-sha384` or `hmac-sha512`; `key` in
    /// base64, as `tsig-keygen` prints it.
    ///
    /// # Errors
    /// [`DnsError::Settings`]: the name, the algorithm or the key is of no use.
    pub fn new(
        server: SocketAddr,
        key_name: &str,
        algorithm: &str,
        key: &Secret,
    ) -> Result<Self, DnsError> {
        let algorithm = match algorithm {
            "hmac-sha256" => TsigAlgorithm::HmacSha256,
            "hmac-sha384" => TsigAlgorithm::HmacSha384,
            "hmac-sha512" => TsigAlgorithm::HmacSha512,
            _ => {
                return Err(settings(
                    "key_algorithm is none of hmac-sha256, hmac-sha384 and hmac-sha512",
                ));
            }
        };
        let key_name = Name::from_ascii(key_name);
        let key_name = key_name.map_err(|_| settings("key_name is no name of DNS"))?;
        let made = Self { server, key_name, algorithm, key: key.clone() };
        made.signer()?;
        Ok(made)
    }

    /// The server of a configuration file: `server`, an IP address, perhaps with a port; `key_name`; `key_algorithm`,
    /// `hmac-sha256` unless set; `key`.
    ///
    /// # Errors
    /// [`DnsError::Settings`]: a setting is missing, unknown or of no use.
    pub fn from_settings(given: &BTreeMap<String, Secret>) -> Result<Self, DnsError> {
        if let Some(other) = given.keys().find(|name| !SETTINGS.contains(&name.as_str())) {
            let known = SETTINGS.join(", ");
            return Err(settings(&format!("there is no setting {other}; there are {known}")));
        }
        let get = |name: &str| {
            given.get(name).ok_or_else(|| settings(&format!("the setting {name} is missing")))
        };
        let server = get("server")?.expose();
        let address = server.parse().or_else(|_| {
            server.parse().map(|address: IpAddr| SocketAddr::from((address, DNS_PORT)))
        });
        let address =
            address.map_err(|_| settings("server is no IP address, alone or with a port"))?;
        let algorithm = given.get("key_algorithm").map_or("hmac-sha256", Secret::expose);
        Self::new(address, get("key_name")?.expose(), algorithm, get("key")?)
    }

    fn signer(&self) -> Result<TSigner, DnsError> {
        let key = BASE64_STANDARD.decode(self.key.expose());
        let key = key.map_err(|_| settings("key is no base64"))?;
        let signer = TSigner::new(key, self.algorithm.clone(), self.key_name.clone(), FUDGE);
        signer.map_err(|_| settings("key_algorithm is not supported"))
    }

    async fn connect(&self, signer: TSigner) -> Result<Client<TokioRuntimeProvider>, NetError> {
        let (stream, sender) =
            TcpClientStream::new(self.server, None, Some(LIMIT), TokioRuntimeProvider::new());
        let multiplexed: Multiplexed =
            DnsMultiplexer::new(stream.await?, sender).with_timeout(LIMIT).with_signer(signer);
        let (client, background) = Client::from_sender(multiplexed);
        // It ends with the client.
        tokio::spawn(background);
        Ok(client)
    }

    /// Adds the record to the zone, or takes it out.
    async fn change(&self, zone: &str, record: &TxtRecord, add: bool) -> Result<(), DnsError> {
        let unreachable = |source: Box<dyn StdError + Send + Sync>| DnsError::Unreachable {
            zone: zone.to_owned(),
            provider: self.to_string(),
            source,
        };
        let signer = self.signer()?;
        let work = async {
            let (name, origin) = (absolute(&record.name)?, absolute(zone)?);
            let ttl = u32::try_from(record.ttl.as_secs()).unwrap_or(u32::MAX);
            let mut records = RecordSet::with_ttl(name, RecordType::TXT, ttl);
            records.add_rdata(RData::TXT(TXT::new(vec![record.value.clone()])));
            let mut client = self.connect(signer).await?;
            match add {
                true => client.append(records, origin, false).await,
                false => client.delete_by_rdata(records, origin).await,
            }
        };
        let done = timeout(LIMIT, work).await;
        let done = done.unwrap_or(Err(NetError::Timeout));
        match done.map(|answer| answer.response_code) {
            Ok(ResponseCode::NoError) => Ok(()),
            Ok(code) => Err(self.refused(zone, code)),
            // A server that cannot check the signature does not sign its answer (RFC 8945, section 5.3.2), which then is no
            // answer.
            Err(NetError::Proto(error)) => {
                tracing::debug!(zone, %error, "the answer to an update is not signed by the key");
                Err(self.refused(zone, ResponseCode::NotAuth))
            }
            Err(error) => Err(unreachable(Box::new(error))),
        }
    }

    fn refused(&self, zone: &str, code: ResponseCode) -> DnsError {
        let (zone, provider) = (zone.to_owned(), self.to_string());
        match code {
            ResponseCode::NotAuth | ResponseCode::BADSIG | ResponseCode::BADKEY => {
                DnsError::Denied { zone, provider }
            }
            _ => DnsError::Refused { zone, provider, said: code.to_string() },
        }
    }
}

#[async_trait]
impl DnsProvider for Rfc2136 {
    async fn present(&self, zone: &str, record: &TxtRecord) -> Result<(), DnsError> {
        self.change(zone, record, true).await
    }

    async fn remove(&self, zone: &str, record: &TxtRecord) -> Result<(), DnsError> {
        self.change(zone, record, false).await
    }
}

fn absolute(name: &str) -> Result<Name, NetError> {
    Ok(Name::from_ascii(format!("{name}."))?)
}

fn settings(why: &str) -> DnsError {
    DnsError::Settings { provider: "rfc2136".to_owned(), why: why.to_owned() }
}

impl fmt::Display for Rfc2136 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the DNS server {}", self.server)
    }
}

impl fmt::Debug for Rfc2136 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rfc2136")
            .field("server", &self.server)
            .field("key_name", &self.key_name.to_string())
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "rfc2136_tests.rs"]
mod tests;
