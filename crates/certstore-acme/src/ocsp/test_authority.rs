//! A CA for tests, whose answers are OpenSSL's.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};

/// Who signs an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The CA itself.
    Issuer,
    /// Whom the CA has told to.
    Delegate,
    /// Whom the CA has given a certificate for something else.
    Unauthorized,
    /// Somebody else's responder.
    Stranger,
}

impl Signer {
    fn file(self) -> &'static str {
        match self {
            Self::Issuer => "ca",
            Self::Delegate => "delegate",
            Self::Unauthorized => "unauthorized",
            Self::Stranger => "stranger",
        }
    }
}

/// A CA with its files in a folder of its own, which goes with it.
#[derive(Debug)]
pub(crate) struct Authority {
    folder: PathBuf,
    params: CertificateParams,
    key: KeyPair,
    next: AtomicU64,
    minutes: AtomicU64,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("certstore-ocsp-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the test can go on");
        let (params, key) = ca("an authority");
        let authority =
            Self { folder, params, key, next: AtomicU64::new(0x1000), minutes: AtomicU64::new(60) };
        let own = authority.params.self_signed(&authority.key).expect("the test can go on");
        authority.write("ca", &own.pem(), &authority.key);
        let (other, other_key) = ca("another authority");
        let own = other.self_signed(&other_key).expect("the test can go on");
        authority.write("stranger", &own.pem(), &other_key);
        for (signer, usage) in [
            (Signer::Delegate, ExtendedKeyUsagePurpose::OcspSigning),
            (Signer::Unauthorized, ExtendedKeyUsagePurpose::ServerAuth),
        ] {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, signer.file());
            params.extended_key_usages = vec![usage];
            let key = KeyPair::generate().expect("the test can go on");
            let issuer = Issuer::from_params(&authority.params, &authority.key);
            let signed = params.signed_by(&key, &issuer).expect("the test can go on");
            authority.write(signer.file(), &signed.pem(), &key);
        }
        std::fs::write(authority.folder.join("index.txt"), "").expect("the test can go on");
        authority
    }

    fn write(&self, name: &str, certificate: &str, key: &KeyPair) {
        let put = |extension: &str, text: &str| {
            let path = self.folder.join(format!("{name}.{extension}"));
            std::fs::write(path, text).expect("the test can go on");
        };
        put("pem", certificate);
        put("key", &key.serialize_pem());
    }

    /// A chain and its key in PEM, with the serial number, for one name; answers are to be had at `responder`.
    pub(crate) fn sign(
        &self,
        name: &str,
        responder: &str,
        must_staple: bool,
    ) -> (String, String, u64) {
        let serial = self.next.fetch_add(1, Ordering::SeqCst);
        let mut params = CertificateParams::new([name.to_owned()]).expect("the test can go on");
        params.serial_number = Some(SerialNumber::from(serial));
        let length = |length: usize| u8::try_from(length).expect("the test can go on");
        // AuthorityInfoAccessSyntax with one id-ad-ocsp.
        let oid = [6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1];
        let url = [&[0x86, length(responder.len())], responder.as_bytes()].concat();
        let access = [&[0x30, length(oid.len() + url.len())], &oid[..], &url].concat();
        let access = [&[0x30, length(access.len())], &access[..]].concat();
        let access = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access);
        params.custom_extensions = vec![access];
        if must_staple {
            let features = vec![0x30, 3, 2, 1, 5];
            let oid = &[1, 3, 6, 1, 5, 5, 7, 1, 24];
            params.custom_extensions.push(CustomExtension::from_oid_content(oid, features));
        }
        let key = KeyPair::generate().expect("the test can go on");
        let issuer = Issuer::from_params(&self.params, &self.key);
        let leaf = params.signed_by(&key, &issuer).expect("the test can go on");
        self.note(serial, None);
        (leaf.pem() + &self.root(), key.serialize_pem(), serial)
    }

    fn root(&self) -> String {
        std::fs::read_to_string(self.root_file()).expect("the test can go on")
    }

    /// What clients trust.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// What OpenSSL's responder knows, from now on.
    pub(crate) fn note(&self, serial: u64, revoked_for: Option<&str>) {
        let (state, since) = match revoked_for {
            Some(reason) => ("R", format!("250101000000Z,{reason}")),
            None => ("V", String::new()),
        };
        self.list(
            serial,
            Some(format!("{state}\t400101000000Z\t{since}\t{serial:04X}\tunknown\t/CN={serial}\n")),
        );
    }

    /// It does not know the certificate, from now on.
    pub(crate) fn forget(&self, serial: u64) {
        self.list(serial, None);
    }

    fn list(&self, serial: u64, line: Option<String>) {
        let index = self.folder.join("index.txt");
        let serial = format!("\t{serial:04X}\t");
        let known = std::fs::read_to_string(&index).expect("the test can go on");
        let others = known.split_inclusive('\n').filter(|line| !line.contains(&serial));
        let lines: String = others.map(str::to_owned).chain(line).collect();
        std::fs::write(&index, lines).expect("the test can go on");
    }

    /// How long answers count from now on; an hour unless set.
    pub(crate) fn set_minutes(&self, minutes: u64) {
        self.minutes.store(minutes, Ordering::SeqCst);
    }

    /// OpenSSL's answer to a request.
    pub(crate) fn answer(&self, request: &[u8], signer: Signer) -> Vec<u8> {
        let (asked, answered) = (self.folder.join("request"), self.folder.join("answer"));
        std::fs::write(&asked, request).expect("the test can go on");
        let file = |extension: &str| self.folder.join(format!("{}.{extension}", signer.file()));
        let minutes = self.minutes.load(Ordering::SeqCst).to_string();
        let ran = Command::new("openssl")
            .args(["ocsp", "-nmin", &minutes, "-index"])
            .arg(self.folder.join("index.txt"))
            .arg("-CA")
            .arg(self.folder.join("ca.pem"))
            .arg("-rsigner")
            .arg(file("pem"))
            .arg("-rkey")
            .arg(file("key"))
            .arg("-reqin")
            .arg(&asked)
            .arg("-respout")
            .arg(&answered)
            .output()
            .expect("openssl is there");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        std::fs::read(answered).expect("the test can go on")
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn ca(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    (params, KeyPair::generate().expect("the test can go on"))
}
