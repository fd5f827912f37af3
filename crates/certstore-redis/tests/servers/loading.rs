//! A server that takes connections and answers that it is loading.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use certstore_core::{Dir, ErrorKind, Storage as _};
use certstore_redis::RedisConfig;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::{key, open, until};

/// What the server is told and tells.
#[derive(Default)]
struct Server {
    connections: AtomicUsize,
    is_loading: AtomicBool,
    pings: AtomicUsize,
    hang_up: Notify,
}

/// One command: an array of texts.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let count: usize = line.trim().strip_prefix('*')?.parse().ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let length: usize = line.trim().strip_prefix('$')?.parse().ok()?;
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).await.ok()?;
        words.push(String::from_utf8_lossy(&word[..length]).into_owned());
    }
    Some(words)
}

async fn serve(server: Arc<Server>, stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    loop {
        let words = tokio::select! {
            () = server.hang_up.notified() => return,
            words = command(&mut stream) => words,
        };
        let Some(words) = words else { return };
        let name = words[0].to_ascii_uppercase();
        if name == "PING" {
            server.pings.fetch_add(1, Ordering::Relaxed);
        }
        let is_loading = server.is_loading.load(Ordering::Relaxed);
        let answer = match name.as_str() {
            "HELLO" => "%1\r\n+proto\r\n:3\r\n".to_owned(),
            "CLIENT" => "+OK\r\n".to_owned(),
            "SUBSCRIBE" => {
                let channel = &words[1];
                format!(">3\r\n+subscribe\r\n${}\r\n{channel}\r\n:1\r\n", channel.len())
            }
            _ if is_loading => "-LOADING Redis is loading the dataset in memory\r\n".to_owned(),
            "PING" => "+PONG\r\n".to_owned(),
            "GET" => "+00000000000000000000000000000001\r\n".to_owned(),
            _ => "$10\r\nnoeviction\r\n".to_owned(),
        };
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn it_is_not_stormed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = Arc::new(Server::default());
    let serving = tokio::spawn({
        let server = server.clone();
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                server.connections.fetch_add(1, Ordering::Relaxed);
                drop(tokio::spawn(serve(server.clone(), stream)));
            }
        }
    });
    let storage = open(&RedisConfig::new("127.0.0.1", port)).await;
    let changes = storage.watch(&Dir::ROOT).await.expect("watched");
    let pings = server.pings.load(Ordering::Relaxed);
    server.is_loading.store(true, Ordering::Relaxed);
    server.hang_up.notify_waiters();
    // The pauses grow to 2 s: the sixth attempt comes after 3.1 s.
    until("it is tried again and again", || async {
        server.pings.load(Ordering::Relaxed) >= pings + 6
    })
    .await;
    assert_eq!(server.connections.load(Ordering::Relaxed), 2, "one connection serves all");
    let error = storage.load(&key("a")).await.expect_err("it is loading");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(server.pings.load(Ordering::Relaxed) < pings + 12, "with pauses between");
    tokio::time::timeout(Duration::from_secs(1), storage.load(&key("a")))
        .await
        .expect("an answer at once")
        .expect_err("it is loading");
    drop(changes);
    serving.abort();
}
