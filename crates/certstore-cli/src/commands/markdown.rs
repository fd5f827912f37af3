//! The help of all commands as one Markdown page.

use clap::{Command, CommandFactory};

use crate::args::Cli;
use crate::exit::Failure;
use crate::output::Output;

const HEAD: &str = "# The command line\n\nEvery command of `certstore`, as `--help` prints it.\n";

pub(crate) fn run() -> Result<(), Failure> {
    let mut out = Output::new(false);
    out.bytes(page().as_bytes())?;
    out.finish()
}

/// The whole page.
fn page() -> String {
    let mut whole = Cli::command().term_width(100).disable_help_subcommand(true);
    whole.build();
    let mut page = HEAD.to_owned();
    section(&mut page, &mut whole.clone(), "certstore");
    let commands = whole
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help");
    for command in commands {
        let name = format!("certstore {}", command.get_name());
        section(&mut page, &mut command.clone().bin_name(&name), &name);
    }
    page
}

fn section(page: &mut String, command: &mut Command, name: &str) {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()));
}
