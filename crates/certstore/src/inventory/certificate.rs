//! Reading a PEM chain.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

/// What a chain says of itself: all of the first certificate, and how many there are.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) names: Vec<String>,
    pub(crate) common_name: Option<String>,
    pub(crate) issuer: String,
    pub(crate) serial: String,
    pub(crate) not_before_unix: i64,
    pub(crate) not_after_unix: i64,
    pub(crate) key_type: String,
    pub(crate) authority: bool,
    pub(crate) chain_length: usize,
    /// The subject public key info, in DER.
    pub(crate) public_key: Vec<u8>,
}

impl Parsed {
    /// Reads a PEM chain, the certificate itself first; the fault is one line.
    pub(crate) fn from_pem(chain: &[u8]) -> Result<Self, String> {
        let mut first = None;
        let mut chain_length = 0;
        for block in Pem::iter_from_buffer(chain) {
            let block = block.map_err(|error| format!("the PEM is damaged: {error}"))?;
            if block.label == "CERTIFICATE" {
                chain_length += 1;
                let (rest, _) = X509Certificate::from_der(&block.contents).map_err(|error| {
                    format!("certificate {chain_length} cannot be read: {error}")
                })?;
                if !rest.is_empty() {
                    return Err(format!(
                        "certificate {chain_length} has {} bytes after its end",
                        rest.len()
                    ));
                }
                first.get_or_insert(block.contents);
            }
        }
        let der = first.ok_or("no certificate in it")?;
        let (_, leaf) = X509Certificate::from_der(&der)
            .map_err(|error| format!("the certificate cannot be read: {error}"))?;
        Ok(Self::of(&leaf, chain_length))
    }

    fn of(leaf: &X509Certificate<'_>, chain_length: usize) -> Self {
        let common_name = text_of(leaf.subject(), |name| {
            name.iter_common_name().next()?.as_str().ok().map(str::to_owned)
        });
        let mut names = alternative_names(leaf);
        if names.is_empty() {
            names.extend(common_name.clone());
        }
        Self {
            names,
            common_name,
            issuer: text_of(leaf.issuer(), issuer_name).unwrap_or_default(),
            serial: leaf
                .raw_serial()
                .iter()
                .skip_while(|byte| **byte == 0)
                .map(|byte| format!("{byte:02X}"))
                .collect(),
            not_before_unix: leaf.validity().not_before.timestamp(),
            not_after_unix: leaf.validity().not_after.timestamp(),
            key_type: key_type(leaf.public_key()),
            authority: leaf.is_ca(),
            chain_length,
            public_key: leaf.public_key().raw.to_vec(),
        }
    }
}

fn text_of(name: &X509Name<'_>, pick: impl Fn(&X509Name<'_>) -> Option<String>) -> Option<String> {
    pick(name).map(|text| text.chars().flat_map(escape).collect())
}

fn issuer_name(issuer: &X509Name<'_>) -> Option<String> {
    let part = issuer.iter_common_name().next().or_else(|| issuer.iter_organization().next());
    match part.and_then(|part| part.as_str().ok()) {
        Some(text) => Some(text.to_owned()),
        None => Some(issuer.to_string()).filter(|text| !text.is_empty()),
    }
}

/// Names come from whoever made the certificate: a terminal must not obey them.
fn escape(c: char) -> impl Iterator<Item = char> {
    let control = c.is_control();
    control.then(|| c.escape_debug()).into_iter().flatten().chain((!control).then_some(c))
}

fn alternative_names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = leaf.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => Some(address(bytes)),
        _ => None,
    });
    names.map(|name| name.chars().flat_map(escape).collect()).collect()
}

fn address(bytes: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        std::net::Ipv4Addr::from(v4).to_string()
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        std::net::Ipv6Addr::from(v6).to_string()
    } else {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn key_type(key: &SubjectPublicKeyInfo<'_>) -> String {
    let algorithm = key.algorithm.algorithm.to_id_string();
    let curve = key
        .algorithm
        .parameters
        .as_ref()
        .and_then(|any| any.as_oid().ok())
        .map(|oid| oid.to_id_string());
    match (algorithm.as_str(), key.parsed()) {
        ("1.2.840.10045.2.1", _) => match curve.as_deref() {
            Some("1.2.840.10045.3.1.7") => "ECDSA P-256".into(),
            Some("1.3.132.0.34") => "ECDSA P-384".into(),
            Some("1.3.132.0.35") => "ECDSA P-521".into(),
            other => format!("ECDSA {}", other.unwrap_or("of an unnamed curve")),
        },
        ("1.2.840.113549.1.1.1", Ok(PublicKey::RSA(rsa))) => format!("RSA {}", rsa.key_size()),
        ("1.3.101.112", _) => "Ed25519".into(),
        ("1.3.101.113", _) => "Ed448".into(),
        (other, _) => other.to_owned(),
    }
}
