//! `demo-certificate DIR NAME`: a self-signed certificate of 90 days and its key, as CertMagic would store them.

use std::error::Error;
use std::path::PathBuf;
use std::time::SystemTime;

use rcgen::{CertificateParams, DnType, KeyPair};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(name)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        return Err("usage: demo-certificate DIR NAME".into());
    };
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.clone(), format!("www.{name}")])?;
    params.distinguished_name.push(DnType::CommonName, name.clone());
    params.not_before = SystemTime::now().into();
    params.not_after = params.not_before + std::time::Duration::from_secs(90 * 24 * 60 * 60);
    let certificate = params.self_signed(&key)?;
    std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem())?;
    std::fs::write(dir.join(format!("{name}.crt")), certificate.pem())?;
    std::fs::write(
        dir.join(format!("{name}.json")),
        format!("{{\n\t\"sans\": [\n\t\t\"{name}\"\n\t]\n}}"),
    )?;
    Ok(())
}
