//! Debian's Caddy, which orders from Pebble and shares a directory with what is tested.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Pebble, Place, ServerProcess, ServerSpec, program, wait_until};

const CERTIFICATE_LIMIT: Duration = Duration::from_secs(60);

/// How to run a Caddy. The default: it listens where the CA looks, and proves its names by HTTP-01 or TLS-ALPN-01.
#[derive(Debug, Clone, Default)]
pub struct CaddyOptions {
    /// The names that it has sites for.
    pub names: Vec<String>,
    /// It listens on ports where the CA does not look.
    pub aside: bool,
    /// One more setting of its issuer: `disable_http_challenge`, `disable_tlsalpn_challenge`.
    pub issuer_setting: Option<&'static str>,
}

impl CaddyOptions {
    /// With these sites.
    #[must_use]
    pub fn sites(names: &[&str]) -> Self {
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), ..Self::default() }
    }
}

/// A Caddy on 127.0.0.1.
#[derive(Debug)]
pub struct Caddy {
    process: ServerProcess,
    address: SocketAddr,
}

impl Caddy {
    /// Serves its sites with the certificates in the directory `data`, and orders what is missing from Pebble. It is ready
    /// before it has any.
    ///
    /// # Errors
    /// When Debian's package `caddy` is missing, or the server does not come up; with the end of its log.
    pub fn start(data: &Path, pebble: &Pebble, options: &CaddyOptions) -> io::Result<Self> {
        let caddy = program("caddy", &[])?;
        let data = data.display().to_string();
        let (directory, root) = (pebble.directory(), pebble.api_root().display().to_string());
        let (aside, looked_at) = (options.aside, [pebble.http_port(), pebble.tls_port()]);
        let ports = move |place: &Place| match aside {
            true => [place.port(), place.port_at(1)],
            false => looked_at,
        };
        let names = options.names.join(", ");
        let setting = options.issuer_setting.unwrap_or_default();
        let prepare = move |place: &Place| {
            let [http, https] = ports(place);
            let config = format!(
                "{{\nadmin off\nskip_install_trust\ndefault_bind 127.0.0.1\nhttp_port {http}\nhttps_port {https}\n\
                 email ops@fleet.example\nstorage file_system {data}\n\
                 cert_issuer acme {directory} {{\nemail ops@fleet.example\ntrusted_roots {root}\n{setting}\n}}\n}}\n\
                 {names} {{\nrespond ok\n}}\n"
            );
            let mut command = Command::new(&caddy);
            command.args(["run", "--adapter", "caddyfile", "--config"]);
            command.arg(place.write("Caddyfile", config)?).env("HOME", place.folder());
            Ok(command)
        };
        let ready = move |place: &Place| -> io::Result<()> {
            TcpStream::connect(("127.0.0.1", ports(place)[1])).map(drop)
        };
        let process = ServerProcess::start(ServerSpec::new("caddy", prepare, ready).ports(2))?;
        let address = ([127, 0, 0, 1], ports(process.place())[1]).into();
        Ok(Self { process, address })
    }

    /// The certificate (DER) of this CA that it shows for `name`, once it has one.
    ///
    /// # Errors
    /// When it has none within a minute; with the end of its log.
    pub fn certificate_of(&self, pebble: &Pebble, name: &str) -> io::Result<Vec<u8>> {
        let shown = || pebble.certificate_of(self.address, name);
        let waited = wait_until(CERTIFICATE_LIMIT, "Caddy has a certificate", || shown().is_ok());
        waited.map_err(|error| self.process.error(&error.to_string()))?;
        shown()
    }

    /// The process, to kill, pause and resume it.
    #[must_use]
    pub fn process(&self) -> &ServerProcess {
        &self.process
    }
}
