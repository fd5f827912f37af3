//! A server that answers what the test says, for answers that no real one is made to give.

use std::sync::Arc;

use certstore_core::Secret;
use certstore_s3::S3Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request, its signature unread.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn is_batch(&self) -> bool {
        self.method == "POST" && self.target.contains("delete")
    }
}

/// Status, headers as lines, body.
pub(crate) type Reply = (u16, &'static str, String);

type Answer = dyn Fn(&Request) -> Reply + Send + Sync;

pub(crate) struct Canned {
    endpoint: String,
    task: JoinHandle<()>,
}

impl Canned {
    pub(crate) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it listens"));
        let answer: Arc<Answer> = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone()));
            }
        });
        Self { endpoint, task }
    }

    pub(crate) fn config(&self) -> S3Config {
        let mut config = S3Config::new("bucket");
        config.endpoint = Some(self.endpoint.clone());
        config.region = Some("eu-west-1".to_owned());
        config.access_key_id = Some(Secret::new("id"));
        config.secret_access_key = Some(Secret::new("secret"));
        config.prefix = "p".to_owned();
        config
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request a connection.
async fn serve(mut stream: TcpStream, answer: Arc<Answer>) {
    let Some(request) = read(&mut stream).await else { return };
    let (status, headers, body) = answer(&request);
    let length = match headers.contains("content-length") {
        true => String::new(),
        false => format!("content-length: {}\r\n", body.len()),
    };
    let reply = format!("HTTP/1.1 {status} -\r\nconnection: close\r\n{length}{headers}\r\n{body}");
    // The client may have gone.
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                let mut words = head.split(' ').map(str::to_owned);
                let (method, target) = (words.next()?, words.next()?);
                return Some(Request { method, target, body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// An empty list, or one of these names.
pub(crate) fn list(names: &[String]) -> Reply {
    let object = |name: &String| {
        format!("<Contents><Key>{name}</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents>")
    };
    let objects: String = names.iter().map(object).collect();
    (
        200,
        "",
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"),
    )
}

pub(crate) fn error(status: u16, code: &str) -> Reply {
    (status, "", format!("<Error><Code>{code}</Code></Error>"))
}
