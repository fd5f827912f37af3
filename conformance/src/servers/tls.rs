//! Certificates for test servers, made on the spot.

use std::io;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

use super::Place;

/// Who signs the certificates of a test.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "certstore test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Its own certificate.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names, and its key.
    pub(super) fn sign(
        &self,
        names: &[&str],
        usage: Option<ExtendedKeyUsagePurpose>,
    ) -> io::Result<(String, String)> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.extended_key_usages.extend(usage);
        let pair = KeyPair::generate().map_err(io::Error::other)?;
        let signed = params.signed_by(&pair, &self.issuer).map_err(io::Error::other)?;
        Ok((signed.pem(), pair.serialize_pem()))
    }
}

/// An authority, a server's certificate for 127.0.0.1 and localhost, and a client's: PEM files in a server's folder.
#[derive(Debug)]
pub(super) struct Tls;

impl Tls {
    pub(super) const CA: &str = "ca.pem";
    pub(super) const SERVER_CERT: &str = "server.pem";
    pub(super) const SERVER_KEY: &str = "server.key";
    pub(super) const CLIENT_CERT: &str = "client.pem";
    pub(super) const CLIENT_KEY: &str = "client.key";

    pub(super) fn write(place: &Place) -> io::Result<()> {
        let authority = Authority::new()?;
        place.write(Self::CA, authority.pem())?;
        let (server, client) =
            (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
        for (cert, key, usage) in [
            (Self::SERVER_CERT, Self::SERVER_KEY, server),
            (Self::CLIENT_CERT, Self::CLIENT_KEY, client),
        ] {
            let (signed, pair) = authority.sign(&["127.0.0.1", "localhost"], Some(usage))?;
            place.write(cert, signed)?;
            place.write(key, pair)?;
        }
        Ok(())
    }
}
