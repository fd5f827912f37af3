use std::sync::{Mutex, PoisonError};

use super::*;

/// Serves the name of its store's entry, as autocert names it, and keeps what it was asked.
#[derive(Default)]
struct Manager(Mutex<Vec<ClientHello>>);

#[async_trait]
impl CertificateManager for Manager {
    type Certificate = String;
    type Error = &'static str;

    async fn certificate(&self, hello: &ClientHello) -> Result<String, &'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(hello.clone());
        if hello.server_name.ends_with(".invalid") {
            return Err("the CA refuses it");
        }
        let suffix = if hello.takes_ecdsa() { "" } else { "+rsa" };
        Ok(format!("{}{suffix}", hello.server_name))
    }
}

#[tokio::test]
async fn a_refresh_prefers_ecdsa() {
    let manager = Manager::default();
    for host in ["example.com", "Example.com:8443", "example.com."] {
        assert_eq!(refresh_certificate(&manager, host).await, Ok("example.com".to_owned()));
    }
    let asked = manager.0.lock().unwrap();
    for hello in asked.iter() {
        // The low byte of a scheme of TLS 1.2 is its kind of signature: 3 is ECDSA, 1 is RSA (RFC 5246, 7.4.1.4.1).
        assert!(hello.signature_schemes.iter().all(|scheme| scheme & 0xff == 3));
        // Of the suites of TLS 1.2, none with RSA; those of TLS 1.3 leave it to the schemes.
        assert!(hello.cipher_suites.iter().all(|suite| {
            matches!(suite >> 8, 0x13) || matches!(suite, 0xc02c | 0xc02b | 0xcca9)
        }));
    }
}

#[tokio::test]
async fn the_managers_error_is_the_refreshs() {
    let refused = refresh_certificate(&Manager::default(), "a.invalid").await;
    assert_eq!(refused, Err("the CA refuses it"));
}

#[test]
fn a_client_of_rsa_alone_takes_no_ecdsa() {
    let mut hello = ClientHello::ecdsa("example.com");
    assert!(hello.takes_ecdsa());
    hello.signature_schemes = vec![0x0804, 0x0401];
    assert!(!hello.takes_ecdsa());
}
