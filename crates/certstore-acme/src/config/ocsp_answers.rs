//! Answers of OCSP: from the storage, or asked for by one node of the fleet.

use std::time::Duration;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Fence, Key, Lock, LockName, Result};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::Full;

use super::Config;
use crate::ocsp::{Question, check};
use crate::{Certificate, OcspAnswer, OcspStatus, http_client};

/// How long a responder may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read: those of public CAs have 2 KiB at most.
const LONGEST: usize = 64 * 1024;

impl Config {
    /// The answer that is stored for a certificate, if it counts.
    pub(super) async fn stored_answer(
        &self,
        certificate: &Certificate,
    ) -> Result<Option<OcspAnswer>> {
        let Some(key) = certificate.staple_key() else { return Ok(None) };
        let question = Question::of(&certificate.certified_key().cert)?;
        let stored = match self.0.storage.load(key).await {
            Ok(stored) => stored,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // What is over, or damaged, is replaced.
        Ok(check(&stored, &question, self.0.clock.wall()).ok())
    }

    /// An answer, good or revoked, in the first half of its time: the stored one, else one that is asked for and stored.
    /// `None`: another node is asking. A storage that is down is no reason to have none.
    pub(super) async fn answer_for(&self, certificate: &Certificate) -> Result<Option<OcspAnswer>> {
        let Some(key) = certificate.staple_key() else { return Ok(None) };
        let lock = LockName::new(&format!("ocsp_{}", certificate.hash()))?;
        let shared = async {
            if let Some(fresh) = self.fresh_answer(certificate).await? {
                return Ok(Ok(Some(fresh)));
            }
            let Some(guard) = self.0.storage.try_lock(&lock).await? else { return Ok(Ok(None)) };
            let done = tokio::select! {
                biased;
                _ = guard.lost() => Ok(Ok(None)),
                done = self.ask_and_store(certificate, key, &guard) => done,
            };
            // Else it ends with its lease.
            drop(guard.unlock().await);
            done
        };
        let shared: Result<Result<Option<OcspAnswer>>> = shared.await;
        match shared {
            Ok(asked) => asked,
            Err(error) => {
                tracing::debug!(%error, "the storage has no part in an OCSP answer; the responder is asked");
                self.ask(certificate).await.map(Some)
            }
        }
    }

    async fn fresh_answer(&self, certificate: &Certificate) -> Result<Option<OcspAnswer>> {
        let stored = self.stored_answer(certificate).await?;
        Ok(stored.filter(|stored| self.0.clock.wall() < stored.due()))
    }

    async fn ask_and_store(
        &self,
        certificate: &Certificate,
        key: &Key,
        guard: &Lock,
    ) -> Result<Result<Option<OcspAnswer>>> {
        // Whoever had the lock before may have stored one.
        if let Some(fresh) = self.fresh_answer(certificate).await? {
            return Ok(Ok(Some(fresh)));
        }
        let answer = match self.ask(certificate).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let storage = &self.0.storage;
        let stored = match storage.capabilities().fence {
            Fence::None => storage.store(key, answer.der()).await,
            _ => storage.store_fenced(key, answer.der(), guard).await,
        };
        if let Err(error) = stored {
            tracing::debug!(%key, %error, "an OCSP answer was not stored");
        }
        Ok(Ok(Some(answer)))
    }

    async fn ask(&self, certificate: &Certificate) -> Result<OcspAnswer> {
        let asked = async {
            let question = Question::of(&certificate.certified_key().cert)?;
            let url = certificate.responder().ok_or_else(|| unusable("it names no responder"))?;
            let request = Request::builder()
                .method(Method::POST)
                .uri(url)
                .header(CONTENT_TYPE, "application/ocsp-request")
                .header(ACCEPT, "application/ocsp-response")
                .body(Full::new(Bytes::from(question.request()?)))
                .map_err(|error| unusable("its responder's URL is none").with_source(error))?;
            let answer = http_client::send(&self.0.http, request, LONGEST).await?;
            if answer.status() != StatusCode::OK {
                let said = format!("the responder answers {}", answer.status());
                return Err(Error::new(ErrorKind::Unavailable, said));
            }
            check(answer.body(), &question, self.0.clock.wall())
        };
        let answer = tokio::select! {
            answer = asked => answer,
            () = self.0.clock.sleep(PATIENCE) => {
                Err(Error::new(ErrorKind::Unavailable, "the responder takes too long"))
            }
        };
        let answer = match answer {
            Ok(unknown) if unknown.status() == OcspStatus::Unknown => {
                Err(unusable("the responder does not know it"))
            }
            answer => answer,
        };
        answer.map_err(|error| error.with_operation("ask the OCSP responder of a certificate"))
    }
}

fn unusable(what: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, what)
}
