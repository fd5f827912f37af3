//! Lists of secrets, with this client's own writes of late laid over: those the service's lists may not show yet.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::SystemTime;

use certstore_core::{Error, ErrorKind, Result};
use futures_util::{StreamExt as _, stream};

use crate::error::BACKEND;
use crate::read::live;
use crate::recent::Known;
use crate::vault::Vault;

/// How many secrets are asked about at once.
const CONCURRENCY: usize = 8;

/// The secrets of a list, with the time of their last change where it is known.
pub(crate) type Listed = BTreeMap<String, Option<SystemTime>>;

impl Vault {
    /// The secrets whose names begin so, and that are not deleted.
    pub(crate) async fn all(&self, prefix: &str) -> Result<Listed> {
        let (mut listed, mut token) = (Listed::new(), None);
        loop {
            let page = self.secrets.page(prefix, None, token.clone()).await?;
            for (secret, described) in page.secrets {
                if let Some(head) = live(&described) {
                    listed.insert(secret, head.changed);
                }
            }
            token = next(page.next, token.as_deref())?;
            if token.is_none() {
                break;
            }
        }
        let mut unclear = Vec::new();
        // Asked for after the list: what was written meanwhile belongs to it.
        for (secret, known) in self.recent.below(prefix) {
            match known {
                // The time in the list may be of the version before.
                Known::Stored(_) => drop(listed.insert(secret, None)),
                Known::Deleted => drop(listed.remove(&secret)),
                Known::Unclear => unclear.push(secret),
            }
        }
        let asked = stream::iter(unclear).map(async |secret| {
            let head = self.head(&secret).await?;
            Ok::<_, Error>((secret, head))
        });
        let mut asked = asked.buffer_unordered(CONCURRENCY);
        while let Some(answer) = asked.next().await {
            match answer? {
                (secret, Some(head)) => drop(listed.insert(secret, head.changed)),
                (secret, None) => drop(listed.remove(&secret)),
            }
        }
        Ok(listed)
    }

    /// The secrets whose names begin so and that cost something: also those whose value is deleted.
    pub(crate) async fn every(&self, prefix: &str) -> Result<BTreeSet<String>> {
        let (mut every, mut token) = (BTreeSet::new(), None);
        loop {
            let page = self.secrets.page(prefix, None, token.clone()).await?;
            let kept = page.secrets.into_iter().filter(|(_, described)| !described.scheduled);
            every.extend(kept.map(|(secret, _)| secret));
            token = next(page.next, token.as_deref())?;
            if token.is_none() {
                break;
            }
        }
        let own = self.recent.below(prefix).into_iter();
        every.extend(own.filter(|(_, known)| *known != Known::Deleted).map(|(secret, _)| secret));
        Ok(every)
    }

    /// Whether there is a secret whose name begins so, and that `counts`.
    pub(crate) async fn any(&self, prefix: &str, counts: impl Fn(&str) -> bool) -> Result<bool> {
        let mut deleted = HashSet::new();
        for (secret, known) in
            self.recent.below(prefix).into_iter().filter(|(name, _)| counts(name))
        {
            let there = match known {
                Known::Stored(_) => true,
                Known::Deleted => false,
                Known::Unclear => self.head(&secret).await?.is_some(),
            };
            if there {
                return Ok(true);
            }
            deleted.insert(secret);
        }
        let mut token = None;
        loop {
            let page = self.secrets.page(prefix, None, token.clone()).await?;
            let found = page.secrets.iter().any(|(secret, described)| {
                live(described).is_some() && counts(secret) && !deleted.contains(secret)
            });
            if found {
                return Ok(true);
            }
            token = next(page.next, token.as_deref())?;
            if token.is_none() {
                return Ok(false);
            }
        }
    }
}

/// Where a list goes on; `sent`: the token of this very page.
fn next(token: Option<String>, sent: Option<&str>) -> Result<Option<String>> {
    if token.is_some() && token.as_deref() == sent {
        let message = "the service gives the same page of a list again and again";
        return Err(Error::new(ErrorKind::Other, message).with_backend(BACKEND));
    }
    Ok(token)
}
