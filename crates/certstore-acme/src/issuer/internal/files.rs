//! Where an authority lies: as Caddy keeps it.

use std::time::SystemTime;

use certstore_core::{
    Error, ErrorKind, Key, Lock, LockName, Storage, StorageKeys, store_all_under,
};

use super::authority::{Authority, Signer};
use crate::{Error as AcmeError, PrivateKey, Result};

/// The four files of an authority, and the lock of whoever writes them.
pub(super) struct AuthorityFiles {
    root: Key,
    root_key: Key,
    intermediate: Key,
    intermediate_key: Key,
    lock: LockName,
}

impl AuthorityFiles {
    pub(super) fn new(name: &str) -> Result<Self> {
        let name = StorageKeys::safe(name);
        let file = |file: &str| Key::new(&format!("pki/authorities/{name}/{file}"));
        Ok(Self {
            root: file("root.crt")?,
            root_key: file("root.key")?,
            intermediate: file("intermediate.crt")?,
            intermediate_key: file("intermediate.key")?,
            lock: LockName::new(&format!("pki_{name}"))?,
        })
    }

    pub(super) fn lock(&self) -> &LockName {
        &self.lock
    }

    /// The authority that is stored; `None` when its root or its intermediate is not.
    pub(super) async fn load(&self, storage: &dyn Storage) -> Result<Option<Authority>> {
        let files = [&self.root, &self.intermediate, &self.intermediate_key];
        let found = match storage.load_bundle(&files).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        let [root, intermediate, key] = &found[..] else { return Ok(None) };
        let signer = self.signer(intermediate, key, &self.intermediate)?;
        Ok(Some(Authority::new(self.text(root, &self.root)?, signer)))
    }

    /// Makes a new intermediate, and before it a root where there is none that would outlive it.
    pub(super) async fn renew(
        &self,
        storage: &dyn Storage,
        guard: &Lock,
        now: SystemTime,
    ) -> Result<Authority> {
        let (root, root_key) = match self.load_root(storage).await? {
            Some((root, key)) if root.lasts_for_an_intermediate(now) => (root, key),
            found => {
                if found.is_some() {
                    tracing::warn!(key = %self.root, "the root of the internal authority is about to expire: a new one is made, which clients must be told to trust");
                }
                let key = PrivateKey::generate(Authority::KEY_TYPE)?;
                (Signer::self_signed(&key, now)?, key)
            }
        };
        let key = PrivateKey::generate(Authority::KEY_TYPE)?;
        let intermediate = root.intermediate(&key, now)?;
        let files = [
            (&self.root_key, root_key.pem().expose().as_bytes()),
            (&self.root, root.pem().as_bytes()),
            (&self.intermediate_key, key.pem().expose().as_bytes()),
            (&self.intermediate, intermediate.pem().as_bytes()),
        ];
        store_all_under(storage, &files, guard).await?;
        Ok(Authority::new(root.pem().to_owned(), intermediate))
    }

    async fn load_root(&self, storage: &dyn Storage) -> Result<Option<(Signer, PrivateKey)>> {
        let root = match storage.load(&self.root).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            root => root?,
        };
        let key = storage.load(&self.root_key).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::new(
                ErrorKind::NotFound,
                "the root certificate is here and its private key is not: store a new intermediate, or remove the root",
            )
            .with_key(&self.root_key),
            _ => error,
        })?;
        let signer = self.signer(&root, &key, &self.root)?;
        let key = PrivateKey::from_pem(&self.text(&key, &self.root_key)?)?;
        Ok(Some((signer, key)))
    }

    fn signer(&self, certificate: &[u8], key: &[u8], named: &Key) -> Result<Signer> {
        let (certificate, key) = (self.text(certificate, named)?, self.text(key, named)?);
        let key = PrivateKey::from_pem(&key).map_err(|error| error.with_key(named))?;
        Signer::from_pem(certificate, key).map_err(|error| match error {
            AcmeError::Storage(error) => AcmeError::Storage(error.with_key(named)),
            other => other,
        })
    }

    fn text(&self, bytes: &[u8], named: &Key) -> Result<String> {
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| {
            Error::new(ErrorKind::Corrupt, "this file of the authority is no text").with_key(named)
        })?;
        Ok(text)
    }
}
