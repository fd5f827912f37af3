//! The storage: values as secrets, locks as records beside them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::{LeaseConfig, LeaseLocker};
use certstore_core::{
    Capabilities, Condition, Dir, Error, Key, KeyInfo, Lock, LockerId, Result, Storage, Version,
    Versioned,
    journal::{self, JournalStore as _},
};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::client;
use crate::config::SecretsManagerConfig;
use crate::declared;
use crate::error::{Answer, BACKEND, conflict, on, on_dir};
use crate::read::Head;
use crate::register::SecretsManagerRegister;
use crate::secrets::{Found, Secrets};
use crate::vault::Vault;
use crate::versions::{Kind, is_possible, kind};
use crate::walk;

/// How many values are loaded at once.
const LOADS: usize = 16;

/// A storage in AWS Secrets Manager.
///
/// Clones are one client: they share connections, the lock queue, and what the client knows of its own writes.
#[derive(Clone)]
pub struct SecretsManagerStorage {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) vault: Vault,
    pub(crate) locker: LeaseLocker<SecretsManagerRegister>,
    pub(crate) warned_foreign: AtomicBool,
    capabilities: Capabilities,
    config: SecretsManagerConfig,
}

impl SecretsManagerStorage {
    /// Opens the storage with one cheap request, so that a wrong region, endpoint or credential is told now. Who may not
    /// list goes on: single secrets may still be allowed.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): an option is wrong, or the endpoint is of another
    /// region. [`PermissionDenied`](certstore_core::ErrorKind::PermissionDenied): the credentials are wrong.
    /// [`Unavailable`](certstore_core::ErrorKind::Unavailable): the service does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe: it writes nothing.
    pub async fn open(config: &SecretsManagerConfig) -> Result<Self> {
        let open = async {
            config.check()?;
            Self::of(Secrets::new(client::connect(config).await?, config), config).await
        };
        open.await.map_err(|error| opening(error, config))
    }

    /// As [`open`](Self::open), with a client of the caller's: its endpoint, region, credentials and HTTP client stay,
    /// and those of `config` are not used.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    pub async fn from_client(
        client: &aws_sdk_secretsmanager::Client,
        config: &SecretsManagerConfig,
    ) -> Result<Self> {
        let open = async {
            config.check()?;
            Self::of(Secrets::new(client::from_client(client, config), config), config).await
        };
        open.await.map_err(|error| opening(error, config))
    }

    async fn of(secrets: Secrets, config: &SecretsManagerConfig) -> Result<Self> {
        check_access(&secrets, &config.base()).await?;
        Self::assemble(secrets, config)
    }

    fn assemble(secrets: Secrets, config: &SecretsManagerConfig) -> Result<Self> {
        let lease = LeaseConfig::new(config.lease)?
            .with_poll(config.poll_min, config.poll_max)
            .with_handovers(config.handovers);
        let vault = Vault::new(secrets, config);
        let register = SecretsManagerRegister::new(&vault);
        // Not the endpoint: processes may reach one region by several, and must agree on this id. A guard of another
        // region's storage of the same prefix is told apart by nothing: tokens grow with the time in both.
        let id = LockerId::new(format!("secretsmanager:{}", config.base()));
        let locker = LeaseLocker::new(register, id, BACKEND, lease);
        let inner = Inner {
            vault,
            locker,
            warned_foreign: AtomicBool::new(false),
            capabilities: declared::capabilities(config),
            config: config.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Another client, under another prefix. It shares connections, and has a lock queue of its own. Makes no request.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): `prefix` is none, see
    /// [`SecretsManagerConfig::prefix`].
    pub fn with_prefix(&self, prefix: &str) -> Result<Self> {
        let mut config = self.inner.config.clone();
        prefix.clone_into(&mut config.prefix);
        config.check()?;
        Self::assemble(self.inner.vault.secrets.clone(), &config)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    async fn delete_tree(&self, key: &Key) -> Result<()> {
        let vault = &self.inner.vault;
        let (secret, dir) = (vault.names.value(key)?, Dir::from(key));
        // Also what another program may keep under the bare name, or it would come back.
        let both = std::iter::once(secret).chain(vault.names.bare(key));
        let (values, journals) = (vault.names.below(&dir), vault.names.journals(&dir));
        let ((), mut below, journals) = tokio::try_join!(
            self.before_delete(key, None),
            vault.all(&values),
            vault.all(&journals)
        )?;
        let journals: Vec<String> = journals.into_keys().collect();
        if !journals.is_empty() {
            // Left behind, one could bring back what is deleted; deleted first, half a bundle could stay.
            self.settle_each(&journals).await?;
            below = vault.all(&values).await?;
        }
        vault.delete_each(both.chain(below.into_keys()).collect()).await?;
        let applied = |error: Error| error.with_may_have_applied(true);
        vault.delete_each(journals).await.map_err(applied)
    }
}

/// One request that a wrong configuration does not survive.
async fn check_access(secrets: &Secrets, base: &str) -> Result<()> {
    match secrets.page(base, Some(1), None).await {
        Err(error) if is_access_denied(&error) => {
            tracing::warn!(
                "these credentials may not list secrets (secretsmanager:ListSecrets); lists and deletes will fail"
            );
            Ok(())
        }
        listed => listed.map(drop),
    }
}

fn is_access_denied(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<Answer>())
        .is_some_and(|answer| answer.is("AccessDeniedException"))
}

fn opening(error: Error, config: &SecretsManagerConfig) -> Error {
    let shown: String = config.prefix.chars().flat_map(char::escape_debug).take(80).collect();
    error.with_operation("open the storage").with_subject(shown).with_backend(BACKEND)
}

impl Inner {
    fn check_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        items.iter().try_for_each(|(key, value)| {
            let check = self.vault.names.value(key).and_then(|_| declared::check_size(value));
            check.map_err(on("store", key))
        })
    }

    async fn found(&self, key: &Key) -> Result<Found> {
        let vault = self.vault.call();
        let secret = vault.home(key).await?;
        vault.load(&secret).await?.ok_or_else(Error::not_found)
    }

    pub(crate) async fn head(&self, key: &Key) -> Result<Option<Head>> {
        let vault = self.vault.call();
        // Where a value's name does not fit, none was ever stored, and nothing below either.
        vault.head(&vault.home(key).await?).await
    }
}

#[async_trait]
impl Storage for SecretsManagerStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let store = async {
            declared::check_size(value)?;
            let vault = self.inner.vault.call();
            let secret = vault.home(key).await?;
            let (id, body) = declared::version_of(value, None);
            vault.put(&secret, &id, &body).await?;
            Ok(Version::new(id))
        };
        store.await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let store = async {
            declared::check_size(value)?;
            let vault = self.inner.vault.call();
            let secret = vault.home(key).await?;
            let (id, body) = declared::version_of(value, None);
            if vault.put_if(&secret, &id, &body, condition).await? {
                return Ok(Version::new(id));
            }
            Err(conflict())
        };
        store.await.map_err(on("store", key))
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.inner.vault.call().store_fenced(key, value, guard).await.map_err(on("store", key))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.inner.check_all(items)?;
        journal::store_all(self, items).await.map_err(|error| error.with_backend(BACKEND))
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.inner.check_all(items)?;
        let stored = journal::store_all_fenced(self, items, guard).await;
        stored.map_err(|error| error.with_backend(BACKEND))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.found(key).await.map(declared::value).map_err(on("load", key))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let found = self.inner.found(key).await.map_err(on("load", key))?;
        let version = Version::new(found.id.as_str());
        Ok(Versioned { value: declared::value(found), version })
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let loads: Vec<_> = keys.iter().map(|key| self.load(key)).collect();
        stream::iter(loads).buffered(LOADS).collect().await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        journal::load_bundle(self, keys).await.map_err(|error| error.with_backend(BACKEND))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.delete_tree(key).await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let delete = async {
            self.inner.vault.names.value(key)?;
            self.before_delete(key, None).await?;
            let vault = self.inner.vault.call();
            let secret = vault.home(key).await?;
            let version = version.as_str();
            let possible = is_possible(version) && kind(version) != Kind::Tombstone;
            if possible && vault.bury_if(&secret, version).await? {
                return Ok(());
            }
            Err(conflict())
        };
        delete.await.map_err(on("delete", key))
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let delete = async {
            guard.check()?;
            self.before_delete(key, Some(guard)).await?;
            self.inner.vault.call().delete_fenced(key, guard).await
        };
        delete.await.map_err(on("delete", key))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        let exists =
            async { Ok(self.inner.head(key).await?.is_some() || self.inner.has_below(key).await?) };
        exists.await.map_err(on("look for", key))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.list(dir, recursive).await.map_err(on_dir("list", dir))
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let at = dir.clone();
        walk::walk(&self.inner, dir).map(move |info| info.map_err(on_dir("list", &at))).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        let stat = async {
            match self.inner.head(key).await? {
                Some(head) => {
                    let info = KeyInfo::file(key.clone()).with_version(Version::new(head.version));
                    Ok(match head.changed {
                        Some(changed) => info.with_modified(changed),
                        None => info,
                    })
                }
                None if self.inner.has_below(key).await? => Ok(KeyInfo::directory(key.clone())),
                None => Err(Error::not_found()),
            }
        };
        stat.await.map_err(on("stat", key))
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.inner.foreign(dir).await.map_err(on_dir("list", dir))
    }
}

impl fmt::Debug for SecretsManagerStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManagerStorage")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}
