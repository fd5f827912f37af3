//! An order, from the lock to the stored certificate.

use std::time::Duration;

use certstore::bundle::BundleMetadata;
use certstore_core::{Lock, Storage};
use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, Challenge, ChallengeStatus, ChallengeType,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, Der};
use serde_json::json;

use crate::issuance::Site;
use crate::renewal_info::parts;
use crate::{
    Certificate, Error, Issuance, Names, Obtained, Origin, PendingOrder, PresentedChallenge, Result,
};

/// How long the CA may take to look at the challenges, and to issue.
const POLL_LIMIT: Duration = Duration::from_secs(120);
/// instant-acme's own limit, with the requests around it.
const POLL_STEP_LIMIT: Duration = Duration::from_secs(150);

/// One order under the lock of its name.
pub(crate) struct Run<'a> {
    pub(crate) issuance: &'a Issuance,
    pub(crate) site: &'a Site,
    pub(crate) names: &'a Names,
    pub(crate) guard: &'a Lock,
    /// The certificate that is to be replaced.
    pub(crate) stored: Option<&'a Certificate>,
}

impl Run<'_> {
    /// Resumes the order that is on its way, else makes one, and brings it to its end.
    pub(crate) async fn to_the_end(&self) -> Result<Obtained> {
        let unanswered = |name: &&String| self.issuance.responder().kinds(name).is_empty();
        if let Some(name) = self.names.as_slice().iter().find(unanswered) {
            return Err(Error::NoResponder { identifier: name.clone() });
        }
        let accounts = self.issuance.accounts();
        let account = accounts.load_or_register().await?;
        match self.with_account(&account).await {
            Err(error) if error.is_unknown_account() => {
                tracing::warn!(
                    account = account.id(),
                    "the CA does not know the account any more; it is registered again"
                );
                let account = accounts.register_again(&account).await?;
                self.with_account(&account).await
            }
            done => done,
        }
    }

    /// Removes an order that a crash left behind its stored certificate.
    pub(crate) async fn clear(&self) {
        let issuer = self.issuance.ca().issuer();
        let left = PendingOrder::load(&**self.issuance.storage(), issuer, self.names).await;
        if !matches!(left, Ok(None)) {
            self.forget().await;
        }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &**self.issuance.storage()
    }

    async fn with_account(&self, account: &Account) -> Result<Obtained> {
        if let Some((mut order, pending)) = self.resumed(account).await? {
            let chain = self.chain(&mut order, &pending).await?;
            if self.is_news(&chain, &pending) {
                return self.kept(&chain, &pending, &mut order, Origin::Resumed).await;
            }
            tracing::info!(names = %self.names, "the order that was resumed gives the certificate that is there, or an expired one; another is made");
            self.forget().await;
        }
        let (mut order, pending) = self.order(account).await?;
        let chain = self.chain(&mut order, &pending).await?;
        self.kept(&chain, &pending, &mut order, Origin::Ordered).await
    }

    /// Whether a chain is worth to be kept: an order that a crash has left behind its certificate gives the same one once
    /// more, and one that was left for long may give what has expired.
    fn is_news(&self, chain: &str, pending: &PendingOrder) -> bool {
        let key = pending.private_key().expose();
        let Ok(found) = Certificate::new(chain, key, BundleMetadata::default()) else {
            // What it is worth is said when it is kept.
            return true;
        };
        let leaf =
            |of: &Certificate| CertificateDer::from_pem_slice(of.bundle().chain().as_bytes()).ok();
        let same = self.stored.is_some_and(|stored| leaf(stored) == leaf(&found));
        !same && self.issuance.ca().clock().wall() < found.not_after()
    }

    async fn resumed(&self, account: &Account) -> Result<Option<(Order, PendingOrder)>> {
        let ca = self.issuance.ca();
        let pending = PendingOrder::load(self.storage(), ca.issuer(), self.names).await?;
        let pending = pending.filter(|order| order.is_of(ca, account.id(), self.names));
        match pending {
            Some(pending) if !self.has_compromised_key(&pending).await? => {
                self.resume(account, pending).await
            }
            _ => Ok(None),
        }
    }

    async fn chain(&self, order: &mut Order, pending: &PendingOrder) -> Result<String> {
        match self.finish(order, pending).await {
            Err(
                error @ (Error::Refused { .. } | Error::Rejected { .. } | Error::Unusable { .. }),
            ) => {
                // This order comes to nothing any more; the next call makes another.
                if !error.is_retryable() && !error.is_unknown_account() {
                    self.forget().await;
                }
                Err(error)
            }
            chain => chain,
        }
    }

    async fn kept(
        &self,
        chain: &str,
        pending: &PendingOrder,
        order: &mut Order,
        origin: Origin,
    ) -> Result<Obtained> {
        let url = order.state().certificate.clone();
        let chain = self.preferred(chain.to_owned(), url.as_deref()).await;
        let certificate = self.keep(&chain, pending, order).await?;
        tracing::info!(names = %self.names, ?origin, "a certificate was issued and stored");
        Ok(Obtained { certificate, origin })
    }

    /// The order that is stored, as the CA has it now; `None` when it is of no use any more.
    async fn resume(
        &self,
        account: &Account,
        pending: PendingOrder,
    ) -> Result<Option<(Order, PendingOrder)>> {
        let Some(url) = pending.url() else { return Ok(None) };
        let read = self.issuance.ca().step("read the order", account.order(url.to_owned())).await;
        match read {
            Ok(mut order) => {
                if order.state().status != OrderStatus::Invalid {
                    tracing::info!(order = url, names = %self.names, "an order that is on its way is resumed");
                    return Ok(Some((order, pending)));
                }
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
        tracing::warn!(order = url, names = %self.names, "the order that is stored has come to nothing; a new one is made");
        Ok(None)
    }

    async fn order(&self, account: &Account) -> Result<(Order, PendingOrder)> {
        let (ca, key, writer) =
            (self.issuance.ca(), &self.site.pending, self.issuance.writer(self.guard));
        let private_key = self.private_key().await?;
        let mut pending = PendingOrder::new(ca, account.id(), self.names, &private_key);
        // Not insisted on: a storage that takes no key gets no order.
        pending.store(key, &writer).await?;
        let order = self.new_order(account).await?;
        pending.set_url(order.url());
        writer.insist(|| pending.store(key, &writer)).await?;
        Ok((order, pending))
    }

    async fn new_order(&self, account: &Account) -> Result<Order> {
        let (ca, identifiers) = (self.issuance.ca(), self.names.identifiers());
        let make = async |replaced: Option<CertificateIdentifier<'_>>| {
            let mut new = NewOrder::new(&identifiers);
            if let Some(profile) = self.issuance.profile() {
                new = new.profile(profile);
            }
            if let Some(replaced) = replaced {
                new = new.replaces(replaced);
            }
            ca.step("make an order", account.new_order(&new)).await
        };
        self.issuance.accounts().limit().pass(ca.clock()).await;
        let Some(replaced) = self.replaced(account).await else { return make(None).await };
        match make(Some(replaced)).await {
            // It was replaced by another order, or the CA does not know it: a certificate is wanted all the same.
            Err(error) if refuses_replacement(&error) => {
                tracing::info!(names = %self.names, %error, "the CA takes no order in place of the certificate that is stored; it gets one without");
                if !matches!(error, Error::Refused { .. }) {
                    self.issuance.accounts().never_replaces();
                }
                self.issuance.accounts().limit().pass(ca.clock()).await;
                make(None).await
            }
            made => made,
        }
    }

    /// The stored certificate in the words of a CA that wants to know what an order replaces (RFC 9773, section 5).
    async fn replaced(&self, account: &Account) -> Option<CertificateIdentifier<'static>> {
        if !self.issuance.accounts().replaces() {
            return None;
        }
        // Where either cannot be read, the order goes without.
        self.issuance.ca().directory().await.ok()?.renewal_info?;
        let stored =
            Certificate::load(&**self.issuance.storage(), &self.site.keys, false).await.ok()??;
        let of_account = stored.bundle().metadata().issuer_data.as_ref()?.get("account")?.as_str();
        let shared = self.names.as_slice().iter().any(|name| stored.names().contains(name));
        if of_account != Some(account.id()) || !shared {
            return None;
        }
        let (authority, serial) = parts(stored.bundle().chain())?;
        let id = CertificateIdentifier::new(Der::from_slice(&authority), Der::from_slice(&serial));
        Some(id.into_owned())
    }

    /// The certificate chain of the order, whatever has been done of it.
    async fn finish(&self, order: &mut Order, pending: &PendingOrder) -> Result<String> {
        let (ca, policy) = (self.issuance.ca(), RetryPolicy::new().timeout(POLL_LIMIT));
        if order.state().status == OrderStatus::Pending {
            self.authorize(order, &policy).await?;
        }
        match order.state().status {
            OrderStatus::Ready => {
                let request = pending.request(self.issuance.must_staple())?;
                self.guard.check()?;
                ca.step("issue", order.finalize_csr(&request)).await?;
            }
            OrderStatus::Processing | OrderStatus::Valid => {}
            OrderStatus::Pending | OrderStatus::Invalid => {
                return Err(Error::Rejected { names: self.names.to_string() });
            }
        }
        ca.step_within(POLL_STEP_LIMIT, "issue", order.poll_certificate(&policy)).await
    }

    /// Answers the challenges, and takes the answers away once the CA has looked.
    async fn authorize(&self, order: &mut Order, policy: &RetryPolicy) -> Result<()> {
        let mut presented = Vec::new();
        let mut done = self.present(order, &mut presented).await;
        if done.is_ok() {
            let polled = order.poll_ready(policy);
            let step = "validate the names";
            done = self.issuance.ca().step_within(POLL_STEP_LIMIT, step, polled).await.map(drop);
        }
        let invalid = order.state().status == OrderStatus::Invalid;
        let failed = invalid || done.as_ref().is_err_and(|error| !error.is_retryable());
        for challenge in &presented {
            match &done {
                _ if failed => self.issuance.attempts().failed(challenge),
                Ok(()) => self.issuance.attempts().succeeded(challenge),
                Err(_) => {}
            }
            if let Err(error) = self.issuance.responder().remove(challenge).await {
                tracing::warn!(identifier = challenge.identifier, %error, "the answer to a challenge could not be removed");
            }
        }
        done
    }

    async fn present(
        &self,
        order: &mut Order,
        presented: &mut Vec<PresentedChallenge>,
    ) -> Result<()> {
        let (ca, responder) = (self.issuance.ca(), self.issuance.responder());
        let mut authorizations = order.authorizations();
        let read = "read an authorization";
        loop {
            let step = async { authorizations.next().await.transpose() };
            let Some(mut authorization) = ca.step(read, step).await? else { return Ok(()) };
            match authorization.status {
                AuthorizationStatus::Pending => {}
                AuthorizationStatus::Valid => continue,
                _ => return Err(Error::Rejected { names: self.names.to_string() }),
            }
            let name = authorization.identifier().to_string();
            let chosen = self.choose(&name, &authorization.challenges);
            let Some(mut challenge) = chosen.and_then(|kind| authorization.challenge(kind)) else {
                return Err(Error::NoChallenge { identifier: name });
            };
            // Kept before it is visible: what was half done is taken away as well.
            presented.push(PresentedChallenge::of(&challenge));
            if let Some(shown) = presented.last() {
                let failed = |source| Error::Responder { identifier: name.clone(), source };
                responder.present(shown).await.map_err(failed)?;
            }
            if challenge.status == ChallengeStatus::Pending {
                ca.step("look at the challenge", challenge.set_ready()).await?;
            }
        }
    }

    /// Which challenge is answered: one that the CA looks at already, else that with the fewest failures.
    fn choose(&self, name: &str, offered: &[Challenge]) -> Option<ChallengeType> {
        let answered = self.issuance.attempts().sorted(name, self.issuance.responder().kinds(name));
        let offered: Vec<&Challenge> = answered
            .iter()
            .filter_map(|kind| offered.iter().find(|challenge| challenge.r#type == *kind))
            .collect();
        let begun =
            offered.iter().find(|challenge| challenge.status == ChallengeStatus::Processing);
        begun.or(offered.first()).map(|challenge| challenge.r#type.clone())
    }

    /// Stores the certificate with its key and metadata as one; then the order is not needed any more.
    async fn keep(
        &self,
        chain: &str,
        pending: &PendingOrder,
        order: &mut Order,
    ) -> Result<Certificate> {
        let data = json!({
            "url": order.state().certificate,
            "ca": self.issuance.ca().directory_url(),
            "account": pending.account(),
        });
        let metadata = BundleMetadata::for_names(self.names.as_slice()).with_issuer_data(data);
        let certificate = match Certificate::new(chain, pending.private_key().expose(), metadata) {
            Ok(certificate) => certificate,
            // The CA's doing, and not the storage's; the same order would give the same again.
            Err(error) => {
                self.forget().await;
                let message = "what the CA gave is no certificate for the key of its order";
                return Err(Error::unusable(message, error));
            }
        };
        let (storage, bundle) = (&**self.issuance.storage(), certificate.bundle());
        let store = || bundle.store_under(storage, &self.site.keys, self.guard);
        self.issuance.writer(self.guard).insist(store).await?;
        self.forget().await;
        Ok(certificate)
    }

    /// What is left of an order is harmless: it is removed with the next one.
    async fn forget(&self) {
        if let Err(error) = self.issuance.writer(self.guard).delete(&self.site.pending).await {
            tracing::warn!(key = %self.site.pending, %error, "an order that is over could not be removed");
        }
    }
}

/// Whether an order may be taken that replaces nothing (RFC 9773, section 5). instant-acme says in words alone that a CA has
/// made one and did not note what it replaces.
fn refuses_replacement(error: &Error) -> bool {
    match error {
        Error::Refused { .. } => error.may_be_about_replacement(),
        Error::Unanswered { source, .. } => {
            source.to_string().starts_with("replaces field mismatch")
        }
        _ => false,
    }
}

/// Whether the CA has no such order: it says so, or with an empty page, which instant-acme takes for broken JSON.
fn is_gone(error: &Error) -> bool {
    match error {
        Error::Refused { problem, .. } => {
            !error.is_retryable()
                && !error.is_unknown_account()
                && problem.status.is_none_or(|status| (400..500).contains(&status))
        }
        Error::Unanswered { source, .. } => matches!(**source, instant_acme::Error::Json(_)),
        _ => false,
    }
}
