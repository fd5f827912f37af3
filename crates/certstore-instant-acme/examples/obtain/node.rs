//! What the example does, for its tests as well.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certstore::Storage;
use certstore_instant_acme::{AccountStore, Ca, Issuance, Names, StoredChallenges};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// What the command line says.
pub(crate) struct Options {
    storage: String,
    directory: String,
    pub(crate) ca_file: PathBuf,
    address: SocketAddr,
    names: Vec<String>,
}

impl Options {
    /// STORAGE DIRECTORY CA_FILE ADDRESS NAME...
    pub(crate) fn from_words(words: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let mut words = words.into_iter();
        let mut next =
            || words.next().ok_or("usage: obtain STORAGE DIRECTORY CA_FILE ADDRESS NAME...");
        let (storage, directory, ca_file) = (next()?, next()?, next()?.into());
        let address = next()?.parse()?;
        Ok(Self { storage, directory, ca_file, address, names: words.collect() })
    }

    pub(crate) fn ca(&self) -> Ca {
        Ca::new(&self.directory).with_root(&self.ca_file)
    }
}

/// A process that starts while its storage is down waits for it.
pub(crate) async fn open(url: &str) -> Arc<dyn Storage> {
    loop {
        match certstore::open_url(url).await {
            Ok(storage) => return storage,
            Err(error) => say(&format!("no storage: {error}")),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Answers the CA on its address, tries until it has the certificate, and tells each step in a line.
pub(crate) async fn run(options: &Options, ca: Ca) -> Result<(), Error> {
    let storage = open(&options.storage).await;
    let listener = TcpListener::bind(options.address).await?;
    tokio::spawn(serve_challenges(listener, storage.clone(), ca.clone()));
    let names = Names::new(&options.names)?;
    let responder = Arc::new(StoredChallenges::new(storage.clone(), &ca));
    let accounts = AccountStore::new(storage, ca)?.with_email("ops@fleet.example")?;
    let issuance = Issuance::new(Arc::new(accounts), responder);
    loop {
        match issuance.obtain(&names).await {
            Ok(obtained) => {
                let leaf = obtained.certificate.bundle().chain().lines().nth(1).unwrap_or_default();
                say(&format!("obtained {:?} {leaf}", obtained.origin));
                return Ok(());
            }
            Err(error) if error.is_retryable() => say(&format!("again: {error}")),
            Err(error) => {
                let cause = error.problem().map(ToString::to_string).unwrap_or_default();
                say(&format!("failed: {error}: {cause}"));
                return Err(error.into());
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Answers the CA, whoever of the fleet has ordered.
pub(crate) async fn serve_challenges(
    listener: TcpListener,
    storage: Arc<dyn Storage>,
    ca: Ca,
) -> std::io::Result<()> {
    let challenges = StoredChallenges::new(storage, &ca);
    loop {
        let (stream, _) = listener.accept().await?;
        let challenges = challenges.clone();
        tokio::spawn(async move { answer(stream, &challenges).await });
    }
}

async fn answer(stream: TcpStream, challenges: &StoredChallenges) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut path, mut host) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        if let Some((_, value)) =
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            host = value.trim().to_owned();
        }
    }
    let reply = match challenges.http_answer(&host, &path).await {
        Ok(Some(answer)) => format!("HTTP/1.0 200 OK\r\n\r\n{answer}"),
        Ok(None) => "HTTP/1.0 404 Not Found\r\n\r\n".to_owned(),
        Err(error) => format!("HTTP/1.0 503 Service Unavailable\r\n\r\n{error}"),
    };
    stream.get_mut().write_all(reply.as_bytes()).await?;
    stream.get_mut().shutdown().await
}

pub(crate) fn say(line: &str) {
    // Nobody may be reading.
    let _ = writeln!(std::io::stdout(), "{line}");
}
