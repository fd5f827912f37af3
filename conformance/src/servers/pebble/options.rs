//! How to run Pebble.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use super::{ACME, HTTP_01, MANAGEMENT, TLS_ALPN_01};
use crate::servers::tls::Tls;
use crate::servers::{Place, program, tools_dir};

/// How to run [`Pebble`](super::Pebble). The default: Debian's version, each challenge looked at at once, no nonce
/// refused, no authorization used twice, one chain of a leaf and one intermediate, valid for five years.
#[derive(Debug, Clone, Default)]
pub struct PebbleOptions {
    newer: bool,
    nonce_rejection: u8,
    authorization_reuse: u8,
    account_keys: Vec<(String, String)>,
    alternate_roots: u8,
    chain_length: Option<u8>,
    validity: Option<u32>,
    retry_after: Option<u32>,
    blocked: Vec<String>,
    ocsp_responder: Option<String>,
    pub(super) resolver: Option<SocketAddr>,
}

impl PebbleOptions {
    /// The default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs Pebble 2.6, which `cargo xtask setup` unpacks: it has renewal information (RFC 9773) and certificates of any
    /// validity, and answers `finalize` with a Retry-After that is a date.
    #[must_use]
    pub fn newer(mut self) -> Self {
        self.newer = true;
        self
    }

    /// How many of 100 good nonces are refused as bad.
    #[must_use]
    pub fn nonce_rejection(mut self, percent: u8) -> Self {
        self.nonce_rejection = percent;
        self
    }

    /// How often of 100 times a valid authorization is used for another order.
    #[must_use]
    pub fn authorization_reuse(mut self, percent: u8) -> Self {
        self.authorization_reuse = percent;
        self
    }

    /// Demands an external account binding (RFC 8555, section 7.3.4) by this key or another one that is given: its
    /// identifier, and the HMAC key in URL-safe Base64 without padding, of 32 bytes at least.
    #[must_use]
    pub fn account_key(mut self, id: &str, key: &str) -> Self {
        self.account_keys.push((id.to_owned(), key.to_owned()));
        self
    }

    /// How many further roots sign the issuer, each with a chain of its own that is linked as an alternate.
    #[must_use]
    pub fn alternate_roots(mut self, roots: u8) -> Self {
        self.alternate_roots = roots;
        self
    }

    /// How many intermediates stand in each chain; 1 at least.
    #[must_use]
    pub fn chain_length(mut self, intermediates: u8) -> Self {
        self.chain_length = Some(intermediates);
        self
    }

    /// How long certificates are valid, in seconds. Only the [`newer`](Self::newer) version can; this takes it.
    #[must_use]
    pub fn validity(mut self, seconds: u32) -> Self {
        self.validity = Some(seconds);
        self.newer()
    }

    /// How many seconds clients are told to wait before they look at an order or an authorization again; 3 for these and 5
    /// for those unless set.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A name that it issues no certificate for: an order is answered by `rejectedIdentifier`.
    #[must_use]
    pub fn blocked(mut self, name: &str) -> Self {
        self.blocked.push(name.to_owned());
        self
    }

    /// The URL that certificates name as their OCSP responder. It has none of its own.
    #[must_use]
    pub fn ocsp_responder(mut self, url: &str) -> Self {
        self.ocsp_responder = Some(url.to_owned());
        self
    }

    /// Another DNS server to ask than its own, which then runs unasked.
    #[must_use]
    pub fn resolver(mut self, server: SocketAddr) -> Self {
        self.resolver = Some(server);
        self
    }

    /// The command that runs it at `place`, with a certificate for its own API.
    pub(super) fn command(&self, place: &Place, resolver: SocketAddr) -> io::Result<Command> {
        Tls::write(place)?;
        let config = place.write("pebble.json", self.config(place))?;
        let mut command = Command::new(self.program()?);
        command.arg("-strict").arg("-dnsserver").arg(resolver.to_string());
        command.arg("-config").arg(config);
        // It waits a random time before it looks, refuses some nonces, and reuses authorizations, unless told not to.
        command.env("PEBBLE_VA_NOSLEEP", "1");
        command.env("PEBBLE_WFE_NONCEREJECT", self.nonce_rejection.to_string());
        command.env("PEBBLE_AUTHZREUSE", self.authorization_reuse.to_string());
        command.env("PEBBLE_ALTERNATE_ROOTS", self.alternate_roots.to_string());
        if let Some(length) = self.chain_length {
            command.env("PEBBLE_CHAIN_LENGTH", length.to_string());
        }
        Ok(command)
    }

    fn program(&self) -> io::Result<PathBuf> {
        if !self.newer {
            return program("pebble", &[]);
        }
        let ours = tools_dir().join("pebble/usr/bin/pebble");
        if ours.is_file() {
            return Ok(ours);
        }
        let message = format!("there is no {}; run: cargo xtask setup", ours.display());
        Err(io::Error::new(io::ErrorKind::NotFound, message))
    }

    fn config(&self, place: &Place) -> String {
        let quoted = |text: &str| format!("\"{text}\"");
        let mut fields = Vec::new();
        let mut set = |name: &str, value: &str| fields.push(format!("\"{name}\": {value}"));
        for (name, port) in [("listenAddress", ACME), ("managementListenAddress", MANAGEMENT)] {
            set(name, &quoted(&format!("127.0.0.1:{}", place.port_at(port))));
        }
        for (name, path) in [("certificate", Tls::SERVER_CERT), ("privateKey", Tls::SERVER_KEY)] {
            set(name, &quoted(&place.folder().join(path).display().to_string()));
        }
        for (name, port) in [("httpPort", HTTP_01), ("tlsPort", TLS_ALPN_01)] {
            set(name, &place.port_at(port).to_string());
        }
        if !self.account_keys.is_empty() {
            let pairs = self.account_keys.iter().map(|(id, key)| format!("\"{id}\": \"{key}\""));
            let pairs: Vec<String> = pairs.collect();
            set("externalAccountBindingRequired", "true");
            set("externalAccountMACKeys", &format!("{{{}}}", pairs.join(", ")));
        }
        if !self.blocked.is_empty() {
            let names: Vec<String> = self.blocked.iter().map(|name| quoted(name)).collect();
            set("domainBlocklist", &format!("[{}]", names.join(", ")));
        }
        if let Some(seconds) = self.validity {
            set("certificateValidityPeriod", &seconds.to_string());
        }
        if let Some(seconds) = self.retry_after {
            set("retryAfter", &format!("{{\"authz\": {seconds}, \"order\": {seconds}}}"));
        }
        if let Some(url) = &self.ocsp_responder {
            set("ocspResponderURL", &quoted(url));
        }
        format!("{{\"pebble\": {{\n    {}\n}}}}\n", fields.join(",\n    "))
    }
}
