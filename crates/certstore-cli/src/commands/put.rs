//! `certstore put`.

use std::path::PathBuf;

use certstore::Key;
use clap::Args;

use super::Context;
use crate::exit::Failure;
use crate::local_file;

/// Store a value: from a file, or from the standard input
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  certstore put certificates/local/example.com/example.com.key key.pem
  openssl genrsa 2048 | certstore put keys/new.key")]
pub(crate) struct Put {
    /// Where to store it, like certificates/local/example.com/example.com.crt
    key: String,
    /// The file to read; - is the standard input
    #[arg(default_value = "-")]
    file: PathBuf,
}

impl Put {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let key = Key::new(&self.key)?;
        let storage = context.open().await?;
        let value = local_file::read(&self.file)?;
        storage.store(&key, &value).await?;
        Ok(())
    }
}
