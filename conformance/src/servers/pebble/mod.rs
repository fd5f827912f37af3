//! Pebble: an ACME certificate authority (RFC 8555) for tests, with the DNS server that it asks.

mod client;
mod front;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub use client::{https_certificate, https_get};
pub use front::TlsFront;

use super::tls::Tls;
use super::{Place, ServerProcess, ServerSpec, program, wait_until};

/// What Pebble writes to its log for each order that it takes.
const ORDER: &str = "Added order ";

const ORDERS_LIMIT: Duration = Duration::from_secs(30);

/// Where in [`Place`] which port of Pebble stands. On the last two nobody listens until a test does.
const ACME: usize = 0;
const MANAGEMENT: usize = 1;
const HTTP_01: usize = 2;
const TLS_ALPN_01: usize = 3;

/// The same for the DNS server.
const DNS: usize = 0;
const DNS_API: usize = 1;

/// An ACME certificate authority on ports of 127.0.0.1.
///
/// Every name has the address 127.0.0.1, and answers of DNS-01 are set through [`dns_api`](Self::dns_api). Challenges
/// are looked at, at once, on [`http_port`](Self::http_port) and [`tls_port`](Self::tls_port), which are free for
/// whoever answers them. An authorization is used once, so that each order is validated anew.
///
/// It keeps everything in memory: accounts, orders and its issuing key are others after a restart.
#[derive(Debug)]
pub struct Pebble {
    process: ServerProcess,
    dns: ServerProcess,
}

impl Pebble {
    /// Starts one, with its DNS server.
    ///
    /// # Errors
    /// When Debian's package `pebble` is missing, or a server does not come up; with the end of its log.
    pub fn start() -> io::Result<Self> {
        let dns = ServerProcess::start(dns_server()?)?;
        let resolver = format!("127.0.0.1:{}", dns.place().port_at(DNS));
        let pebble = program("pebble", &[])?;
        let prepare = move |place: &Place| {
            Tls::write(place)?;
            let config = place.write("pebble.json", config(place))?;
            let mut command = Command::new(&pebble);
            command.arg("-strict").arg("-dnsserver").arg(&resolver).arg("-config").arg(config);
            // It waits a random time before it looks, refuses some nonces, and reuses authorizations, unless told not to.
            command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
            command.env("PEBBLE_AUTHZREUSE", "0");
            Ok(command)
        };
        let spec = ServerSpec::new("pebble", prepare, |place| listens(place, ACME)).ports(4);
        Ok(Self { process: ServerProcess::start(spec)?, dns })
    }

    /// The URL of its directory: where an ACME client begins.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.process.place().port_at(ACME))
    }

    /// The PEM file of the authority that signed the certificate of its own API.
    #[must_use]
    pub fn api_root(&self) -> PathBuf {
        self.process.folder().join(Tls::CA)
    }

    /// Where it looks for HTTP-01 challenges.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.process.place().port_at(HTTP_01)
    }

    /// Where it looks for TLS-ALPN-01 challenges.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.process.place().port_at(TLS_ALPN_01)
    }

    /// Where TXT records are set: `POST /set-txt` and `/clear-txt` with `{"host": NAME, "value": TEXT}`, over plain HTTP.
    #[must_use]
    pub fn dns_api(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.dns.place().port_at(DNS_API)).into()
    }

    /// The address of the DNS server itself.
    #[must_use]
    pub fn dns_server(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.dns.place().port_at(DNS)).into()
    }

    /// The certificate of the authority that issues, as PEM: what clients of its certificates trust.
    ///
    /// # Errors
    /// When its management interface does not answer.
    pub fn issuer(&self) -> io::Result<String> {
        self.managed("/roots/0")
    }

    /// What it says of a certificate: `Valid`, or `Revoked` with its reason; in JSON. `serial` is in hexadecimal digits.
    ///
    /// # Errors
    /// When its management interface does not answer, or it has no such certificate.
    pub fn status_of(&self, serial: &str) -> io::Result<String> {
        self.managed(&format!("/cert-status-by-serial/{serial}"))
    }

    /// The body of what its management interface answers to a `GET`.
    fn managed(&self, path: &str) -> io::Result<String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.process.place().port_at(MANAGEMENT)));
        https_get(address, &std::fs::read(self.api_root())?, "localhost", path)
    }

    /// Shakes hands with a TLS server as a client that trusts this authority alone, and gives the certificate (DER) that
    /// it shows for `name`.
    ///
    /// # Errors
    /// When the server cannot be reached, or shows none that this authority issued for `name`.
    pub fn certificate_of(&self, server: SocketAddr, name: &str) -> io::Result<Vec<u8>> {
        https_certificate(server, self.issuer()?.as_bytes(), name)
    }

    /// How many orders it has taken since it was started, by its log.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.process.log().matches(ORDER).count()
    }

    /// Waits until it has taken that many orders.
    ///
    /// # Errors
    /// When it has not within 30 seconds; with the end of its log.
    pub fn wait_for_orders(&self, orders: usize) -> io::Result<()> {
        let waited = wait_until(ORDERS_LIMIT, "Pebble takes an order", || self.orders() >= orders);
        waited.map_err(|error| self.process.error(&error.to_string()))
    }

    /// The process, to kill, pause and resume it.
    #[must_use]
    pub fn process(&self) -> &ServerProcess {
        &self.process
    }
}

fn dns_server() -> io::Result<ServerSpec> {
    let program = program("pebble-challtestsrv", &[])?;
    let prepare = move |place: &Place| {
        let mut command = Command::new(&program);
        command.arg("-dns01").arg(format!("127.0.0.1:{}", place.port_at(DNS)));
        command.arg("-management").arg(format!("127.0.0.1:{}", place.port_at(DNS_API)));
        // The challenges of HTTP and TLS are the tests' own to answer.
        command.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]);
        Ok(command)
    };
    let ready = |place: &Place| listens(place, DNS).and_then(|()| listens(place, DNS_API));
    Ok(ServerSpec::new("pebble-challtestsrv", prepare, ready).ports(2))
}

fn config(place: &Place) -> String {
    let file = |name| place.folder().join(name).display().to_string();
    format!(
        r#"{{"pebble": {{
    "listenAddress": "127.0.0.1:{}",
    "managementListenAddress": "127.0.0.1:{}",
    "certificate": "{}",
    "privateKey": "{}",
    "httpPort": {},
    "tlsPort": {}
}}}}
"#,
        place.port_at(ACME),
        place.port_at(MANAGEMENT),
        file(Tls::SERVER_CERT),
        file(Tls::SERVER_KEY),
        place.port_at(HTTP_01),
        place.port_at(TLS_ALPN_01),
    )
}

fn listens(place: &Place, port: usize) -> io::Result<()> {
    TcpStream::connect(("127.0.0.1", place.port_at(port))).map(drop)
}
