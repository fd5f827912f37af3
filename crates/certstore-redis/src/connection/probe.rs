//! Why a server hangs up at once.

use std::time::Duration;

use redis::ConnectionAddr;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// How long the server may take to say why.
const LIMIT: Duration = Duration::from_millis(500);

/// Whether the server has no room for clients. It says so before it is asked anything, and hangs up; the driver passes
/// on only that it hung up. Through TLS nothing is said.
pub(super) async fn is_full(address: &ConnectionAddr) -> bool {
    let ConnectionAddr::Tcp(host, port) = address else { return false };
    let told = tokio::time::timeout(LIMIT, async {
        let mut stream = TcpStream::connect((host.as_str(), *port)).await.ok()?;
        let mut line = [0; 64];
        let length = stream.read(&mut line).await.ok()?;
        Some(line[..length].starts_with(b"-ERR max number of clients"))
    });
    told.await.ok().flatten().unwrap_or(false)
}
