//! The account of a fleet at a CA.

mod files;
mod key;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certstore_core::{Lock, Storage, with_lock};
use instant_acme::{Account, ExternalAccountKey, NewAccount};

use crate::limit::OrderLimit;
use crate::signed::Signer;
use crate::writer::Writer;
use crate::{Ca, Result};
use files::{AccountKeys, Registration, StoredAccount};
pub(crate) use key::AccountKey;

/// The one account that all processes over a storage share: opened where it is stored, else registered once.
///
/// It lies where CertMagic and Caddy keep theirs, in their form (`acme/ISSUER/users/EMAIL/`), so each finds the other's.
/// Registering takes CertMagic's lock and looks again once it has it. The private key is stored before the CA is asked:
/// a process that is killed in between leaves a key, which the next one registers, and the CA knows one account.
pub struct AccountStore {
    storage: Arc<dyn Storage>,
    ca: Ca,
    email: String,
    keys: AccountKeys,
    external: Option<ExternalAccountKey>,
    limit: OrderLimit,
    /// The CA makes orders without noting what they replace.
    never_replaces: AtomicBool,
}

impl AccountStore {
    /// The account without an address to write to, in `storage`.
    ///
    /// # Errors
    /// [`Storage`](crate::Error::Storage): the URL of the CA's directory gives no component of a key.
    pub fn new(storage: Arc<dyn Storage>, ca: Ca) -> Result<Self> {
        let keys = AccountKeys::new(ca.issuer(), "")?;
        let (email, external, limit, never_replaces) = Default::default();
        Ok(Self { storage, ca, email, keys, external, limit, never_replaces })
    }

    /// The account that the CA may write to at this address.
    ///
    /// # Errors
    /// [`Storage`](crate::Error::Storage): the address gives no component of a key.
    pub fn with_email(mut self, email: impl Into<String>) -> Result<Self> {
        self.email = email.into();
        self.keys = AccountKeys::new(self.ca.issuer(), &self.email)?;
        Ok(self)
    }

    /// Binds a new account to one that the CA's customer has with it already (RFC 8555, section 7.3.4).
    ///
    /// instant-acme then makes the key itself, so it is stored after the CA has answered: a process that is killed in
    /// between leaves an account at the CA that nobody has the key of.
    #[must_use]
    pub fn with_external_account(mut self, key: ExternalAccountKey) -> Self {
        self.external = Some(key);
        self
    }

    /// How many orders the account makes in each span of time; 10 in 10 seconds unless set, and without a limit for 0. It
    /// holds for all that share this `AccountStore`; who comes later waits.
    #[must_use]
    pub fn with_order_limit(mut self, orders: usize, span: Duration) -> Self {
        self.limit = OrderLimit::new(orders, span);
        self
    }

    pub(crate) fn limit(&self) -> &OrderLimit {
        &self.limit
    }

    /// Whether orders are to say what they replace (RFC 9773, section 5).
    pub(crate) fn replaces(&self) -> bool {
        !self.never_replaces.load(Ordering::Relaxed)
    }

    /// The CA has made an order without noting that: the next ones say nothing, and are not made twice.
    pub(crate) fn never_replaces(&self) {
        self.never_replaces.store(true, Ordering::Relaxed);
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    pub(crate) fn ca(&self) -> &Ca {
        &self.ca
    }

    /// The account that is stored, opened; `None` where none is, and the CA is not asked.
    ///
    /// # Errors
    /// [`Storage`](crate::Error::Storage): of the storage. [`Unusable`](crate::Error::Unusable): its key is not of the kind
    /// that instant-acme knows. [`Unanswered`](crate::Error::Unanswered), [`Refused`](crate::Error::Refused),
    /// [`TimedOut`](crate::Error::TimedOut): the CA's directory cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn load(&self) -> Result<Option<Account>> {
        match StoredAccount::load(&*self.storage, &self.keys).await? {
            Some(StoredAccount { private_key, registration: Some(registration) }) => {
                let key = AccountKey::from_pem(&private_key)?;
                self.open(&registration.location, &key).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What signs for the account that is stored; `None` where none is.
    pub(crate) async fn signer(&self) -> Result<Option<Signer>> {
        match StoredAccount::load(&*self.storage, &self.keys).await? {
            Some(StoredAccount { private_key, registration: Some(registration) }) => {
                let key = AccountKey::from_pem(&private_key)?;
                let new_nonce = self.ca.directory().await?.new_nonce;
                Ok(Some(Signer { account: registration.location, key, new_nonce }))
            }
            _ => Ok(None),
        }
    }

    /// The account that is stored, else a new one, which agrees to the CA's terms of service.
    ///
    /// While the storage does not answer nothing is registered.
    ///
    /// # Errors
    /// As [`load`](Self::load), and of the lock.
    ///
    /// # Cancel safety
    /// Dropped, the account may be registered and not stored as such; the next call finds it by its key. The lock is
    /// released in the background.
    pub async fn load_or_register(&self) -> Result<Account> {
        match self.load().await? {
            Some(account) => Ok(account),
            None => self.register_unless(|_| true).await,
        }
    }

    /// Registers anew, with the same key, an account that the CA does not know any more; the one that another process
    /// has registered meanwhile, where one has.
    ///
    /// # Errors
    /// As [`load_or_register`](Self::load_or_register).
    ///
    /// # Cancel safety
    /// As [`load_or_register`](Self::load_or_register).
    pub async fn register_again(&self, gone: &Account) -> Result<Account> {
        self.register_unless(|registration| registration.location != gone.id()).await
    }

    /// Takes the lock, and registers unless what is stored then is good.
    async fn register_unless(
        &self,
        good: impl Fn(&Registration) -> bool + Sync,
    ) -> Result<Account> {
        let work = async |guard: &Lock| {
            // Whoever had the lock before may have registered it.
            match StoredAccount::load(&*self.storage, &self.keys).await? {
                Some(StoredAccount { private_key, registration }) => {
                    let key = AccountKey::from_pem(&private_key)?;
                    match registration.filter(&good) {
                        Some(registration) => self.open(&registration.location, &key).await,
                        None => match self.register(guard, &key).await {
                            // A key that the CA does not know: of an attempt without the binding.
                            Err(error)
                                if error.wants_external_account() && self.external.is_some() =>
                            {
                                self.register_bound(guard).await
                            }
                            registered => registered,
                        },
                    }
                }
                None if self.external.is_some() => self.register_bound(guard).await,
                None => {
                    let key = AccountKey::generate()?;
                    // Not insisted on: a storage that takes no key gets no account.
                    self.writer(guard)
                        .store(&self.keys.private_key, key.to_pem().as_bytes())
                        .await?;
                    self.register(guard, &key).await
                }
            }
        };
        with_lock(&*self.storage, &self.keys.lock, work).await?
    }

    async fn open(&self, location: &str, key: &AccountKey) -> Result<Account> {
        let directory = self.ca.directory_url().to_owned();
        let opened = self.ca.client()?.from_parts(location.to_owned(), key.to_pkcs8(), directory);
        self.ca.step("open the account", opened).await
    }

    /// The CA answers with the account of that key, if it has one.
    async fn register(&self, guard: &Lock, key: &AccountKey) -> Result<Account> {
        let (client, directory) = (self.ca.client()?, self.ca.directory_url().to_owned());
        let made = client.create_from_key(key.for_requests()?, directory);
        let (account, _) = self.ca.step("register an account", made).await?;
        let contact = self.contact();
        if !contact.is_empty() {
            let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
            let told = account.update_contacts(&contact);
            self.ca.step("note the account's address", told).await?;
        }
        self.store_registration(guard, &account).await?;
        Ok(account)
    }

    async fn register_bound(&self, guard: &Lock) -> Result<Account> {
        let contact = self.contact();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let (client, directory) = (self.ca.client()?, self.ca.directory_url().to_owned());
        let made = client.create(&new, directory, self.external.as_ref());
        let (account, credentials) = self.ca.step("register an account", made).await?;
        let key = AccountKey::from_pkcs8(credentials.private_key().secret_pkcs8_der())?;
        let (pem, writer) = (key.to_pem(), self.writer(guard));
        writer.insist(|| writer.store(&self.keys.private_key, pem.as_bytes())).await?;
        self.store_registration(guard, &account).await?;
        Ok(account)
    }

    async fn store_registration(&self, guard: &Lock, account: &Account) -> Result<()> {
        let json = Registration::new(account.id(), self.contact()).to_json()?;
        let writer = self.writer(guard);
        Ok(writer.insist(|| writer.store(&self.keys.registration, &json)).await?)
    }

    fn contact(&self) -> Vec<String> {
        let address = Some(&self.email).filter(|email| !email.is_empty());
        address.map(|email| format!("mailto:{email}")).into_iter().collect()
    }

    fn writer<'a>(&'a self, guard: &'a Lock) -> Writer<'a> {
        Writer { storage: &*self.storage, guard, clock: self.ca.clock() }
    }
}

impl fmt::Debug for AccountStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountStore")
            .field("storage", &self.storage.backend())
            .field("ca", &self.ca)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
