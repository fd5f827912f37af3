//! Debian's Caddy on the directory of a fleet.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use certstore_conformance::servers::{Pebble, Place, ServerProcess, ServerSpec};

/// Serves `names` from `data`, and orders what is missing from Pebble, whose ports it listens on.
pub(crate) struct Caddy {
    process: ServerProcess,
    address: SocketAddr,
}

impl Caddy {
    pub(crate) fn start(data: &Path, pebble: &Pebble, names: &[&str]) -> Self {
        let sites: Vec<String> =
            names.iter().map(|name| format!("{name} {{\nrespond ok\n}}\n")).collect();
        let config = format!(
            "{{\nadmin off\nskip_install_trust\nauto_https disable_redirects\ndefault_bind 127.0.0.1\n\
             http_port {}\nhttps_port {}\nemail ops@fleet.example\nacme_ca {}\nacme_ca_root {}\n\
             storage file_system {}\n}}\n{}",
            pebble.http_port(),
            pebble.tls_port(),
            pebble.directory(),
            pebble.api_root().display(),
            data.display(),
            sites.concat()
        );
        let address = SocketAddr::from(([127, 0, 0, 1], pebble.tls_port()));
        let prepare = move |place: &Place| {
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]);
            command.arg(place.write("Caddyfile", &config)?).env("HOME", place.folder());
            Ok(command)
        };
        let ready = move |_: &Place| -> io::Result<()> { TcpStream::connect(address).map(drop) };
        let spec = ServerSpec::new("caddy", prepare, ready).ports(0);
        Self { process: ServerProcess::start(spec).expect("Caddy starts"), address }
    }

    /// The certificate that it shows for `name`, once it has one.
    pub(crate) fn certificate_of(&self, pebble: &Pebble, name: &str) -> Vec<u8> {
        for _ in 0..300 {
            if let Ok(shown) = pebble.certificate_of(self.address, name) {
                return shown;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("Caddy has no certificate for {name}: {}", self.process.log());
    }
}
