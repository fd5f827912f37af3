//! BIND 9: an authoritative DNS server whose zones are changed by RFC 2136.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::{Place, ServerProcess, ServerSpec, program};

/// How long one question may take while it is looked whether the server is up.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// A secret of TSIG, in base64: it guards a server that a test has for itself.
const SECRET: &str = "Y2VydHN0b3JlLXRlc3RzLXNpZ24tdXBkYXRlcy0zMmI=";

/// An authoritative DNS server on a port of 127.0.0.1, over UDP and TCP.
///
/// Every name in its zones has the address 127.0.0.1. TXT records are changed by whoever signs with
/// [`KEY`](Self::KEY); [`IDLE_KEY`](Self::IDLE_KEY) is known to it and may change nothing.
#[derive(Debug)]
pub struct Bind9 {
    process: ServerProcess,
}

impl Bind9 {
    /// The name of the key that may change TXT records: HMAC-SHA256, with [`secret`](Self::secret).
    pub const KEY: &str = "update.key";
    /// The name of a key with the same secret that may change nothing.
    pub const IDLE_KEY: &str = "idle.key";

    /// Starts one with these zones.
    ///
    /// # Errors
    /// When Debian's package `bind9` is missing, or the server does not come up; with the end of its log.
    pub fn start(zones: &[&str]) -> io::Result<Self> {
        // Debian has it where only root looks.
        let named = program("named", &[PathBuf::from("/usr/sbin")])?;
        let zones: Vec<String> = zones.iter().map(|zone| (*zone).to_owned()).collect();
        let asked = zones.first().cloned().unwrap_or_default();
        let prepare = move |place: &Place| {
            for zone in &zones {
                place.write(&format!("{zone}.zone"), zone_file(zone))?;
            }
            let config = place.write("named.conf", config(place, &zones))?;
            let mut command = Command::new(&named);
            // In the foreground, with its log on standard error.
            command.arg("-g").arg("-c").arg(config).args(["-n", "1"]);
            Ok(command)
        };
        let ready = move |place: &Place| answers(place.port(), &asked);
        let spec = ServerSpec::new("named", prepare, ready);
        Ok(Self { process: ServerProcess::start(spec)? })
    }

    /// Where it answers and takes updates, over UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.process.port()).into()
    }

    /// The secret of its keys, in base64.
    #[must_use]
    pub fn secret(&self) -> &'static str {
        SECRET
    }

    /// The process, to kill, pause and resume it.
    #[must_use]
    pub fn process(&self) -> &ServerProcess {
        &self.process
    }
}

fn config(place: &Place, zones: &[String]) -> String {
    let (folder, port) = (place.folder().display(), place.port());
    let key = |name| format!("key \"{name}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n");
    let zones: Vec<String> = zones
        .iter()
        .map(|zone| {
            format!(
                "zone \"{zone}\" {{ type primary; file \"{zone}.zone\"; \
                 update-policy {{ grant {} zonesub TXT; }}; }};\n",
                Bind9::KEY
            )
        })
        .collect();
    // No control channel, and nothing is asked of other servers.
    format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; \
         listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; \
         recursion no; dnssec-validation no; notify no; empty-zones-enable no; }};\n\
         controls {{ }};\n{}{}{}",
        key(Bind9::KEY),
        key(Bind9::IDLE_KEY),
        zones.concat()
    )
}

fn zone_file(zone: &str) -> String {
    format!(
        "$ORIGIN {zone}.\n$TTL 60\n@ IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n\
         @ IN NS ns.{zone}.\nns IN A 127.0.0.1\n@ IN A 127.0.0.1\n* IN A 127.0.0.1\n"
    )
}

/// Whether it answers the question for the SOA record of a zone without an error (RFC 1035, section 4).
fn answers(port: u16, zone: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(ANSWER_LIMIT))?;
    socket.connect(("127.0.0.1", port))?;
    // Id, flags, one question.
    let mut question = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in zone.split('.') {
        question.push(u8::try_from(label.len()).map_err(io::Error::other)?);
        question.extend(label.as_bytes());
    }
    // The root, SOA, IN.
    question.extend([0, 0, 6, 0, 1]);
    socket.send(&question)?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    // The last four bits are the code: no error.
    match answer.get(..length).and_then(|answer| answer.get(3)) {
        Some(flags) if flags & 15 == 0 => Ok(()),
        _ => Err(io::Error::other("it does not serve its zone yet")),
    }
}
