//! What is said once it serves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use certstore_acme::{Config, HttpsServer};
use serde::Serialize;

use crate::commands::rfc3339;
use crate::exit::Failure;
use crate::output::Output;

/// What is told of a server.
pub(super) struct Told {
    https: SocketAddr,
    http: Option<SocketAddr>,
    subjects: Vec<String>,
    /// The internal authority, whose root is to be trusted.
    authority: Option<&'static str>,
    /// The directory of the storage, where that is files.
    files: Option<PathBuf>,
}

#[derive(Serialize)]
struct Serving<'a> {
    https: String,
    http: Option<String>,
    sites: Vec<SiteTold<'a>>,
    root: Option<String>,
}

#[derive(Serialize)]
struct SiteTold<'a> {
    name: &'a str,
    url: String,
    not_after: Option<String>,
    issuer: Option<String>,
}

impl Told {
    pub(super) fn new(
        server: &HttpsServer,
        subjects: &[String],
        authority: Option<&'static str>,
        files: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let unknown = |error| Failure::local("tell where it listens", error);
        Ok(Self {
            https: server.https_addr().map_err(unknown)?,
            http: server.http_addr().map_err(unknown)?,
            subjects: subjects.to_owned(),
            authority,
            files,
        })
    }

    pub(super) fn print(&self, config: &Config, out: &mut Output) -> Result<(), Failure> {
        let sites: Vec<SiteTold<'_>> =
            self.subjects.iter().map(|name| self.site(config, name)).collect();
        let root = self.authority.map(|name| format!("pki/authorities/{name}/root.crt"));
        if out.is_json() {
            let (https, http) = (self.https.to_string(), self.http.map(|http| http.to_string()));
            let serving = Serving { https, http, sites, root };
            let text =
                serde_json::to_string(&serving).map_err(|error| Failure::printing(error.into()))?;
            out.line(text)?;
            return out.flush();
        }
        for site in &sites {
            let until = site.not_after.as_deref().unwrap_or("-");
            out.line(format_args!(
                "serving {}  (certificate valid until {until}, renewed before)",
                site.url
            ))?;
        }
        if let Some(root) = root {
            // A file of a storage that encrypts is no root.
            let file = self.files.as_ref().map(|files| files.join(&root));
            let file = file.filter(|file| {
                std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"-----BEGIN CERTIFICATE"))
            });
            for line in trust(&root, file.as_deref(), &sites) {
                out.line(line)?;
            }
        }
        out.flush()
    }

    fn site<'a>(&self, config: &Config, name: &'a str) -> SiteTold<'a> {
        let found = config.get_certificate(name);
        let port = match self.https.port() {
            443 => String::new(),
            port => format!(":{port}"),
        };
        let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
        SiteTold {
            name,
            url: format!("https://{host}{port}/"),
            not_after: found.as_ref().map(|found| rfc3339(found.not_after())),
            issuer: found.as_ref().and_then(|found| found.issuer()).map(str::to_owned),
        }
    }
}

/// How clients are told to trust the root.
fn trust(root: &str, file: Option<&Path>, sites: &[SiteTold<'_>]) -> Vec<String> {
    let copy = "certstore-root.crt";
    let url = sites.first().map_or("https://localhost/", |site| &site.url);
    let mut lines = vec!["Browsers and curl trust it once they know its root:".to_owned()];
    if file.is_none() {
        lines.push(format!("  certstore get {root} -o {copy}    # from the same storage"));
    }
    let file = file.map_or_else(|| copy.to_owned(), |file| quoted(&file.to_string_lossy()));
    lines.push(format!("  curl --cacert {file} {url}"));
    lines.push(if cfg!(target_os = "macos") {
        format!(
            "  sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}"
        )
    } else {
        format!(
            "  sudo cp {file} /usr/local/share/ca-certificates/{copy} && sudo update-ca-certificates"
        )
    });
    lines
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
