//! What obtain, renew and manage begin and end with.

use std::future::Future;
use std::sync::Arc;

use certstore::Storage;
use certstore_acme::{Config, ConfigBuilder, Error};
use clap::Args;

use super::delivery::Delivery;
use super::names::{Done, Obtained, each, report};
use super::{ChallengeArgs, DeliveryArgs, Interrupt, IssuerArgs, over_storage};
use crate::commands::Context;
use crate::exit::Failure;

#[derive(Debug, Args)]
pub(in crate::commands) struct SessionArgs {
    #[command(flatten)]
    issuer: IssuerArgs,
    #[command(flatten)]
    challenges: ChallengeArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

/// A manager of one issuer's certificates whose challenges are answered, and where the certificates go.
pub(in crate::commands) struct Session {
    pub(in crate::commands) config: Config,
    pub(in crate::commands) storage: Arc<dyn Storage>,
    /// What the issuer is called in the storage.
    pub(in crate::commands) issuer: String,
    pub(in crate::commands) delivery: Arc<Delivery>,
    pub(in crate::commands) interrupt: Interrupt,
}

impl SessionArgs {
    /// Whether it was said who gives the certificates.
    pub(in crate::commands) fn names_issuer(&self) -> bool {
        self.issuer.is_said()
    }

    /// Does `work` with the manager for these names, to which `build` gives its last options. What cannot be is said before
    /// the storage is opened.
    pub(in crate::commands) async fn run(
        self,
        context: &Context,
        subjects: &[String],
        build: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
        work: impl AsyncFnOnce(&Session) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.issuer.choose(subjects)?;
        over_storage(context, async |storage| {
            let issuer = self.issuer.choose(subjects)?;
            let interrupt = Interrupt::listen();
            let delivery = Arc::new(self.delivery.over(&storage, &interrupt)?);
            let config = build(issuer.builder(&storage)?).build();
            let answering = self.challenges.start(&config, &issuer).await?;
            let issuer = issuer.storage_name();
            let session = Session { config, storage, issuer, delivery, interrupt };
            let done = work(&session).await;
            answering.end().await;
            done
        })
        .await
    }
}

impl Session {
    /// What `work` gives, unless an interrupt comes before.
    pub(in crate::commands) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = work => done,
            signal = self.interrupt.come() => {
                Err(Failure::Interrupted { message: "interrupted before anything was done".into(), signal })
            }
        }
    }

    /// Does `work` for every name, hands each on as soon as it is done, and prints what became of all. An interrupt ends it:
    /// what is done by then has been handed on.
    pub(in crate::commands) async fn each<F>(
        &self,
        context: &Context,
        what: &'static str,
        subjects: &[String],
        work: impl Fn(String) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<Done, Error>>,
    {
        let work = &work;
        let all = each(context.global.quiet, what, subjects, |subject| async move {
            let done = tokio::select! {
                // First, so that nothing is begun after it.
                biased;
                _ = self.interrupt.come() => Ok(Done::Not),
                done = work(subject.clone()) => done,
            };
            let handed = match &done {
                Ok(Done::Well(word, certificate)) => {
                    let new = matches!(*word, "obtained" | "renewed");
                    self.delivery.hand_on(&subject, certificate, new).await
                }
                _ => Ok(()),
            };
            Obtained::new(subject, done, handed)
        });
        report(&all.await, self.interrupt.has_come(), context.output())
    }
}
