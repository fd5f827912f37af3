//! What obtain, renew and manage begin and end with.

use std::sync::Arc;

use certstore::Storage;
use certstore_acme::{Config, ConfigBuilder};
use clap::Args;

use super::delivery::Delivery;
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
    pub(in crate::commands) delivery: Delivery,
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
            let delivery = self.delivery.over(&storage)?;
            let config = build(issuer.builder(&storage)?).build();
            let interrupt = Interrupt::listen();
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
