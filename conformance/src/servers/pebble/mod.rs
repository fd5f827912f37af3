//! Pebble: an ACME certificate authority (RFC 8555) for tests, with the DNS server that it asks.

mod client;
mod front;
mod options;
mod proxy;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub use client::{https_certificate, https_connect, https_get};
pub use front::TlsFront;
pub use options::PebbleOptions;
pub use proxy::{CaProxy, Held, Part};

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
    /// Starts one as [`PebbleOptions`] have it by default, with its DNS server.
    ///
    /// # Errors
    /// When Debian's package `pebble` is missing, or a server does not come up; with the end of its log.
    pub fn start() -> io::Result<Self> {
        Self::start_with(PebbleOptions::new())
    }

    /// Starts one, with its DNS server.
    ///
    /// # Errors
    /// As [`start`](Self::start), and when the newer version is asked for and was not unpacked.
    pub fn start_with(options: PebbleOptions) -> io::Result<Self> {
        let dns = ServerProcess::start(dns_server()?)?;
        let own = SocketAddr::from(([127, 0, 0, 1], dns.place().port_at(DNS)));
        let resolver = options.resolver.unwrap_or(own);
        let prepare = move |place: &Place| options.command(place, resolver);
        // Its management interface comes up by itself, and may be the later of the two.
        let ready = |place: &Place| listens(place, ACME).and_then(|()| listens(place, MANAGEMENT));
        let spec = ServerSpec::new("pebble", prepare, ready).ports(4);
        Ok(Self { process: ServerProcess::start(spec)?, dns })
    }

    /// The URL of its directory: where an ACME client begins.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.process.place().port_at(ACME))
    }

    /// Where its ACME API listens.
    fn api(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.process.place().port_at(ACME)).into()
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
        self.root(0)
    }

    /// As [`issuer`](Self::issuer); from 1 on, the alternate roots.
    ///
    /// # Errors
    /// As `issuer`, and when there are not so many.
    pub fn root(&self, index: usize) -> io::Result<String> {
        self.manage(&format!("/roots/{index}"))
    }

    /// The intermediate certificate that signs what it issues, as PEM.
    ///
    /// # Errors
    /// As [`issuer`](Self::issuer).
    pub fn intermediate(&self) -> io::Result<String> {
        self.manage("/intermediates/0")
    }

    /// The private key of the [`intermediate`](Self::intermediate), as PEM: to sign what the authority would, such as an
    /// OCSP answer.
    ///
    /// # Errors
    /// As [`issuer`](Self::issuer).
    pub fn intermediate_key(&self) -> io::Result<String> {
        self.manage("/intermediate-keys/0")
    }

    /// What it knows of the certificate with that serial number (hexadecimal, as in `0a1b`): JSON with `Status`, `Valid`
    /// or `Revoked`, and with `Reason`, a number, when it was revoked for one.
    ///
    /// # Errors
    /// As [`issuer`](Self::issuer), and when it has issued no such certificate.
    pub fn certificate_status(&self, serial: &str) -> io::Result<String> {
        self.manage(&format!("/cert-status-by-serial/{serial}"))
    }

    fn manage(&self, path: &str) -> io::Result<String> {
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

fn listens(place: &Place, port: usize) -> io::Result<()> {
    TcpStream::connect(("127.0.0.1", place.port_at(port))).map(drop)
}
