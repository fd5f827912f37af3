use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{Error, OnDemandConfig};

/// A service that answers by the name it is asked about, and remembers what it read.
async fn service(tls: Option<TlsAcceptor>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("the test can go on");
    let address = listener.local_addr().expect("the test can go on");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let remember = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, remember) = (tls.clone(), Arc::clone(&remember));
            tokio::spawn(async move {
                match tls {
                    None => answer(stream, &remember).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            answer(stream, &remember).await;
                        }
                    }
                }
            });
        }
    });
    (address, asked)
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, asked: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the test can go on"));
    }
    let head = String::from_utf8(head).expect("the test can go on");
    let line = head.lines().next().unwrap_or_default().to_owned();
    let status = match line.split("domain=").nth(1).unwrap_or_default() {
        name if name.starts_with("yes") => "200 OK",
        name if name.starts_with("created") => "201 Created",
        name if name.starts_with("moved") => "302 Found\r\nLocation: /?domain=yes.example",
        name if name.starts_with("silent") => std::future::pending().await,
        name if name.starts_with("broken") => return,
        _ => "404 Not Found",
    };
    asked.lock().expect("the test can go on").push(line);
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    drop(stream.write_all(text.as_bytes()).await);
    drop(stream.shutdown().await);
}

async fn allowed(allow: &OnDemandConfig, name: &str) -> bool {
    match allow.allowed(name).await {
        Ok(()) => true,
        Err(Error::Refused { name: refused, .. }) if refused == name => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn only_200_allows_and_a_redirect_is_not_followed() {
    let (address, asked) = service(None).await;
    let allow = OnDemandConfig::new().ask(&format!("http://{address}/check?who=me")).unwrap();
    for (name, expected) in [
        ("yes.example", true),
        ("no.example", false),
        ("created.example", false),
        ("moved.example", false),
        ("broken.example", false),
        ("2001:db8::1", false),
    ] {
        assert_eq!(allowed(&allow, name).await, expected, "{name}");
    }
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked[0], "GET /check?who=me&domain=yes.example HTTP/1.1");
    assert_eq!(asked.len(), 5, "once each, but for the one that broke off: {asked:?}");
    // Nobody listens: nothing is allowed.
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let allow = OnDemandConfig::new().ask(&format!("http://{gone}")).unwrap();
    assert!(!allowed(&allow, "yes.example").await);
}

#[tokio::test]
async fn https_is_checked() {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let (address, _) = service(Some(TlsAcceptor::from(Arc::new(server)))).await;
    let url = format!("https://localhost:{}/", address.port());
    let mut roots = RootCertStore::empty();
    roots.add(made.der().clone()).unwrap();
    let trusting = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let allow = OnDemandConfig::new().ask_with(&url, trusting).unwrap();
    assert!(allowed(&allow, "yes.example").await && !allowed(&allow, "no.example").await);
    let allow = OnDemandConfig::new().ask(&url).unwrap();
    assert!(!allowed(&allow, "yes.example").await, "the platform does not trust it");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_allows_nothing() {
    let (address, _) = service(None).await;
    let allow = OnDemandConfig::new().ask(&format!("http://{address}/")).unwrap();
    let start = tokio::time::Instant::now();
    assert!(!allowed(&allow, "silent.example").await);
    assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
}

#[tokio::test]
async fn the_function_goes_before_the_list_the_list_before_the_url_and_all_before_the_maximum() {
    let (address, asked) = service(None).await;
    let url = format!("http://{address}/");
    let two = 2.try_into().unwrap();
    let by_url = OnDemandConfig::new().ask(&url).unwrap().maximum(two);
    assert!(allowed(&by_url, "yes.example").await && !allowed(&by_url, "no.example").await);
    let by_list = by_url.clone().allow(["no.example"]).unwrap();
    assert!(allowed(&by_list, "no.example").await && !allowed(&by_list, "yes.example").await);
    let by_function = by_list.decide(async |name: String| name == "other.example");
    assert!(allowed(&by_function, "other.example").await);
    assert!(
        !allowed(&by_function, "no.example").await && !allowed(&by_function, "yes.example").await
    );
    assert_eq!(asked.lock().unwrap().len(), 2, "the URL is asked when nothing else says");
    assert!(allowed(&OnDemandConfig::new().maximum(two), "any.example").await);
    assert!(!allowed(&OnDemandConfig::new(), "any.example").await);
}

#[test]
fn what_is_no_url_to_ask_is_said() {
    for url in
        ["", "example.com", "ftp://example.com/", "http://", "/path", "https:///x", "http://a b/"]
    {
        let Err(Error::Storage(error)) = OnDemandConfig::new().ask(url) else { panic!("{url}") };
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
    }
}
