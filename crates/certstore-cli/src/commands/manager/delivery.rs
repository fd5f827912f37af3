//! Certificates for programs that do not read the storage.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use certstore::bundle::{BundleKeys, CertificateBundle};
use certstore::{Storage, StorageKeys};
use certstore_acme::Certificate;
use clap::Args;
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::{FAREWELL, Interrupt};
use crate::exit::Failure;
use crate::local_file;
use crate::supervise::Grouped;

/// How many hooks run at a time: one that hangs keeps the others waiting no longer than they must.
const HOOKS: usize = 4;

#[derive(Debug, Args)]
#[command(next_help_heading = "For other programs")]
pub(in crate::commands) struct DeliveryArgs {
    /// Keep in this directory each name's chain, NAME.crt, and private key, NAME.key, readable by their owner alone
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run this by sh after a certificate is new, with CERTSTORE_NAME, and the keys in the storage in
    /// CERTSTORE_CERTIFICATE_KEY and CERTSTORE_PRIVATE_KEY_KEY; with --out the files are there by then. Hooks of several
    /// names may run at a time, and have no terminal to ask anything on
    #[arg(long, value_name = "COMMAND")]
    hook: Option<String>,
    /// How long a hook may run; then it is killed with all that it has started, and counts as failed
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "hook", value_parser = clap::value_parser!(u64).range(1..))]
    hook_timeout: u64,
}

/// Hands on what is new.
pub(in crate::commands) struct Delivery {
    args: DeliveryArgs,
    storage: Arc<dyn Storage>,
    interrupt: Interrupt,
    turns: Semaphore,
}

impl DeliveryArgs {
    /// # Errors
    /// The directory cannot be made.
    pub(in crate::commands) fn over(
        self,
        storage: &Arc<dyn Storage>,
        interrupt: &Interrupt,
    ) -> Result<Delivery, Failure> {
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out)
                .map_err(|error| Failure::local(format!("make {}", out.display()), error))?;
        }
        let (storage, interrupt) = (Arc::clone(storage), interrupt.clone());
        Ok(Delivery { args: self, storage, interrupt, turns: Semaphore::new(HOOKS) })
    }
}

impl Delivery {
    /// Hands a certificate on: its files are written where they differ, and the hook runs if it is `new` or they did.
    ///
    /// # Errors
    /// A file cannot be written, or the hook fails; an interrupt ends the hook, and leaves little time for the files.
    pub(in crate::commands) async fn hand_on(
        &self,
        subject: &str,
        certificate: &Certificate,
        new: bool,
    ) -> Result<(), Failure> {
        if let DeliveryArgs { out: None, hook: None, .. } = &self.args {
            return Ok(());
        }
        let keys = BundleKeys::new(certificate.issuer().unwrap_or_default(), subject)?;
        let written = tokio::select! {
            biased;
            written = self.write(subject, &keys) => written?,
            () = self.farewell() => {
                let left = format!("the files for {subject} were not written: it was interrupted");
                return Err(Failure::Unsound(left));
            }
        };
        match &self.args.hook {
            Some(hook) if new || written => self.run(hook, subject, &keys).await,
            _ => Ok(()),
        }
    }

    /// Completes some time after an interrupt.
    async fn farewell(&self) {
        self.interrupt.come().await;
        tokio::time::sleep(FAREWELL).await;
    }

    async fn run(&self, hook: &str, subject: &str, keys: &BundleKeys) -> Result<(), Failure> {
        let failed = |how: &str| Err(Failure::Unsound(format!("the hook {how}")));
        let _turn = tokio::select! {
            biased;
            _ = self.interrupt.come() => {
                return failed(&format!("was not run for {subject}: it was interrupted"));
            }
            turn = self.turns.acquire() => turn,
        };
        let hook = Grouped::start(command(hook, subject, keys));
        let mut hook = hook.map_err(|error| Failure::local("run sh for the hook", error))?;
        let limit = self.args.hook_timeout;
        let why = tokio::select! {
            biased;
            ended = hook.wait() => {
                let ended = ended.map_err(|error| Failure::local("wait for the hook", error))?;
                return match ended.success() {
                    true => Ok(()),
                    false => failed(&format!("failed for {subject}: {ended}")),
                };
            }
            () = tokio::time::sleep(Duration::from_secs(limit)) => {
                format!("it took longer than {limit} s; --hook-timeout allows more")
            }
            _ = self.interrupt.come() => "it was interrupted".to_owned(),
        };
        hook.kill();
        // What cannot even be killed is not waited for.
        drop(tokio::time::timeout(FAREWELL, hook.wait()).await);
        failed(&format!("was killed for {subject}: {why}"))
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

fn command(hook: &str, subject: &str, keys: &BundleKeys) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(hook).stdin(Stdio::null());
    // What this program prints is data.
    command.stdout(std::io::stderr());
    command.env("CERTSTORE_NAME", subject);
    command.env("CERTSTORE_CERTIFICATE_KEY", keys.certificate().as_str());
    command.env("CERTSTORE_PRIVATE_KEY_KEY", keys.private_key().as_str());
    command
}
