//! A responder on 127.0.0.1 that answers as a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::authority::{Authority, Signer};

/// What it does.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// OpenSSL's answer, signed by this one.
    Signed(Signer),
    /// These bytes.
    Bytes(Vec<u8>),
    /// This status.
    Status(&'static str),
    /// Nothing, for ever.
    Silence,
}

#[derive(Debug)]
pub(crate) struct Responder {
    pub(crate) authority: Authority,
    pub(crate) address: SocketAddr,
    manner: Mutex<Manner>,
    asked: watch::Sender<usize>,
}

impl Responder {
    pub(crate) async fn start(name: &str) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("the test can go on");
        let address = listener.local_addr().expect("the test can go on");
        let responder = Arc::new(Self {
            authority: Authority::new(name),
            address,
            manner: Mutex::new(Manner::Signed(Signer::Issuer)),
            asked: watch::Sender::new(0),
        });
        let answering = Arc::downgrade(&responder);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(responder) = answering.upgrade() else { return };
                tokio::spawn(async move { responder.answer(stream).await });
            }
        });
        responder
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/ocsp", self.address)
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    pub(crate) async fn was_asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        asked.wait_for(|asked| *asked >= times).await.expect("it is there");
    }

    async fn answer(&self, mut stream: TcpStream) {
        let request = read(&mut stream).await;
        let manner = self.manner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.asked.send_modify(|asked| *asked += 1);
        let (status, body) = match manner {
            Manner::Signed(signer) => ("200 OK", self.authority.answer(&request, signer)),
            Manner::Bytes(bytes) => ("200 OK", bytes),
            Manner::Status(status) => (status, Vec::new()),
            Manner::Silence => std::future::pending().await,
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/ocsp-response\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // One that has had enough is none that fails the test.
        drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
    }
}

/// The body of a request.
async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let read = stream.read_buf(&mut all).await.expect("the test can go on");
        assert!(read > 0, "the request breaks off");
        let Some(end) = all.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
        assert!(head.starts_with("post /ocsp http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/ocsp-request"), "{head}");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|length| length.parse().ok()).expect("it has a length");
        if all.len() >= end + 4 + length {
            return all.split_off(end + 4);
        }
    }
}
