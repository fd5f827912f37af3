//! `certstore completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Failure;
use crate::output::Output;

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  certstore completions bash > /etc/bash_completion.d/certstore
  certstore completions fish > ~/.config/fish/completions/certstore.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "certstore", &mut script);
        let mut out = Output::new(false);
        out.bytes(&script)?;
        out.finish()
    }
}
