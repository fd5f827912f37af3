//! `certstore get`.

use std::path::PathBuf;

use certstore::Key;
use clap::Args;

use super::Context;
use crate::exit::Failure;
use crate::local_file;

/// Print a value, or write it to a file
#[derive(Debug, Args)]
#[command(after_help = "\
The file is written whole or not at all, and is readable by its owner alone.

Examples:
  certstore get certificates/local/example.com/example.com.crt | openssl x509 -noout -dates
  certstore get certificates/local/example.com/example.com.key -o key.pem")]
pub(crate) struct Get {
    /// The key of the value
    key: String,
    /// The file to write; - is the standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Get {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let key = Key::new(&self.key)?;
        let value = context.open().await?.load(&key).await?;
        match self.output.filter(|file| file.as_os_str() != "-") {
            Some(file) => local_file::write(&file, &value),
            None => {
                let mut out = context.output();
                out.bytes(&value)?;
                out.finish()
            }
        }
    }
}
