//! `certstore rm`.

use certstore::{ErrorKind, Key};
use clap::Args;

use super::Context;
use crate::exit::Failure;

/// Delete a value, or with -r a directory with everything below it
#[derive(Debug, Args)]
#[command(after_help = "\
Deleting what is not there is no failure.

Examples:
  certstore rm certificates/local/example.com/example.com.json
  certstore rm -r certificates/local/example.com")]
pub(crate) struct Rm {
    /// The key to delete
    key: String,
    /// Delete a directory with everything below it
    #[arg(long, short)]
    recursive: bool,
}

impl Rm {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let key = Key::new(&self.key)?;
        let storage = context.open().await?;
        if !self.recursive {
            match storage.stat(&key).await {
                Ok(info) if !info.is_terminal => {
                    return Err(Failure::Usage(format!(
                        "\"{key}\" is a directory; `certstore rm -r {key}` deletes it with everything below it"
                    )));
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(storage.delete(&key).await?)
    }
}
