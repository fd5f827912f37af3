//! Certificates for programs that do not read the storage.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use certstore::bundle::{BundleKeys, CertificateBundle};
use certstore::{Storage, StorageKeys};
use certstore_acme::Certificate;
use clap::Args;

use super::names::{Done, Obtained};
use crate::exit::Failure;
use crate::local_file;

#[derive(Debug, Args)]
#[command(next_help_heading = "For other programs")]
pub(in crate::commands) struct DeliveryArgs {
    /// Keep in this directory each name's chain, NAME.crt, and private key, NAME.key, readable by their owner alone
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run this by sh after a certificate is new, with CERTSTORE_NAME, and the keys in the storage in
    /// CERTSTORE_CERTIFICATE_KEY and CERTSTORE_PRIVATE_KEY_KEY; with --out the files are there by then
    #[arg(long, value_name = "COMMAND")]
    hook: Option<String>,
}

/// Hands on what is new.
pub(in crate::commands) struct Delivery {
    args: DeliveryArgs,
    storage: Arc<dyn Storage>,
}

impl DeliveryArgs {
    /// # Errors
    /// The directory cannot be made.
    pub(in crate::commands) fn over(self, storage: &Arc<dyn Storage>) -> Result<Delivery, Failure> {
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out)
                .map_err(|error| Failure::local(format!("make {}", out.display()), error))?;
        }
        Ok(Delivery { args: self, storage: Arc::clone(storage) })
    }
}

impl Delivery {
    /// Hands a certificate on: its files are written where they differ, and the hook runs if it is `new` or they did.
    pub(in crate::commands) async fn hand_on(
        &self,
        subject: &str,
        certificate: &Certificate,
        new: bool,
    ) -> Result<(), Failure> {
        let DeliveryArgs { out: None, hook: None } = &self.args else {
            let issuer = certificate.issuer().unwrap_or_default();
            let keys = BundleKeys::new(issuer, subject)?;
            let written = self.write(subject, &keys).await?;
            return match &self.args.hook {
                Some(hook) if new || written => run(hook, subject, &keys).await,
                _ => Ok(()),
            };
        };
        Ok(())
    }

    /// Whether anything had to be written. The key goes first: a reader in between fails, and does not serve a wrong pair.
    async fn write(&self, subject: &str, keys: &BundleKeys) -> Result<bool, Failure> {
        let Some(out) = &self.args.out else { return Ok(false) };
        let bundle = CertificateBundle::load(&*self.storage, keys).await?;
        let name = StorageKeys::safe(subject);
        let mut written = false;
        for (ending, text) in [("key", bundle.private_key()), ("crt", bundle.chain())] {
            let path = out.join(format!("{name}.{ending}"));
            if std::fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
                continue;
            }
            local_file::write(&path, text.as_bytes())?;
            written = true;
        }
        Ok(written)
    }
}

/// Hands on all that is there.
///
/// # Errors
/// The first that could not be handed on; the others are all the same.
pub(in crate::commands) async fn hand_on(
    delivery: &Delivery,
    all: &[Obtained],
) -> Result<(), Failure> {
    let mut first = Ok(());
    for one in all {
        if let Ok(Done::Well(word, certificate)) = &one.done {
            let new = matches!(*word, "obtained" | "renewed");
            let handed = delivery.hand_on(&one.subject, certificate, new).await;
            first = first.and(handed);
        }
    }
    first
}

async fn run(hook: &str, subject: &str, keys: &BundleKeys) -> Result<(), Failure> {
    let mut command = tokio::process::Command::new("sh");
    command.arg("-c").arg(hook).stdin(Stdio::null()).kill_on_drop(true);
    // What this program prints is data.
    command.stdout(std::io::stderr());
    command.env("CERTSTORE_NAME", subject);
    command.env("CERTSTORE_CERTIFICATE_KEY", keys.certificate().as_str());
    command.env("CERTSTORE_PRIVATE_KEY_KEY", keys.private_key().as_str());
    let status = command.status().await;
    let status = status.map_err(|error| Failure::local("run sh for the hook", error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Unsound(format!("the hook failed for {subject}: {status}")))
}
