//! Certificates for test servers, made on the spot.

use std::io;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

use super::Place;

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
        let ca_key = KeyPair::generate().map_err(io::Error::other)?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "certstore test authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = ca.self_signed(&ca_key).map_err(io::Error::other)?;
        place.write(Self::CA, certificate.pem())?;
        let issuer = Issuer::new(ca, ca_key);
        let (server, client) =
            (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
        for (cert, key, usage) in [
            (Self::SERVER_CERT, Self::SERVER_KEY, server),
            (Self::CLIENT_CERT, Self::CLIENT_KEY, client),
        ] {
            let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
            let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
            params.distinguished_name.push(DnType::CommonName, "localhost");
            params.extended_key_usages.push(usage);
            let pair = KeyPair::generate().map_err(io::Error::other)?;
            let signed = params.signed_by(&pair, &issuer).map_err(io::Error::other)?;
            place.write(cert, signed.pem())?;
            place.write(key, pair.serialize_pem())?;
        }
        Ok(())
    }
}
