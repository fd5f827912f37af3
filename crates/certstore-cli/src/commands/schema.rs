//! `certstore schema`.

use clap::{Args, Subcommand};

use super::Context;
use crate::exit::Failure;

/// What a database needs before it can be used
#[derive(Debug, Args)]
pub(crate) struct Schema {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// Print the SQL that creates the tables of the configured storage, or brings old ones up to date
    #[command(after_help = "\
For an administrator to read and run, where the storage's own user may not create tables: set migrate = false in the \
config, and grant that user what the last lines of the script say. Nothing is connected to, and running the script twice \
changes nothing.

Examples:
  certstore --storage postgres://certs@db.example/certs schema print > certstore.sql
  certstore schema print | psql --single-transaction --dbname certs")]
    Print,
}

impl Schema {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let SchemaCommand::Print = self.command;
        let mut out = context.output();
        out.line(certstore::schema(&context.config()?)?.trim_end())?;
        out.finish()
    }
}
