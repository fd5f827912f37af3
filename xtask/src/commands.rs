//! The commands, in one table.

use anyhow::{Result, bail};

/// A command of `cargo xtask`.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        arguments: "",
        about: "stores, lists and locks a certificate on the files backend",
        run: |_| crate::demo::demo(),
    },
    Command {
        name: "setup",
        arguments: "",
        about: "installs what the tests need and this machine lacks",
        run: |_| crate::setup::setup(),
    },
    Command {
        name: "test",
        arguments: "[STEP ...]",
        about: "everything: setup, lints, tests, docs, tidy, packages",
        run: crate::test::test,
    },
    Command {
        name: "conformance",
        arguments: "[BACKEND]",
        about: "runs the suite against a backend, or against all, and prints the table",
        run: crate::conformance::conformance,
    },
    Command {
        name: "bench",
        arguments: "[FILTER]",
        about: "measures every backend against its floor or raw client; a release build",
        run: crate::bench::bench,
    },
    Command {
        name: "soak",
        arguments: "[BACKEND|manager|fuzz]",
        about: "minutes of 8 processes over a few locks, some killed, some stopped; short certificates; damaged input for codecs",
        run: crate::soak::soak,
    },
    Command {
        name: "docs",
        arguments: "[--check]",
        about: "writes the generated pages of docs/, or says which are stale",
        run: crate::docs::docs,
    },
    Command {
        name: "tidy",
        arguments: "",
        about: "dependency edges, clauses and cases, sizes, names in Markdown",
        run: |_| crate::tidy::tidy(),
    },
    Command {
        name: "package",
        arguments: "",
        about: "packs every crate and builds what was packed",
        run: |_| crate::package::package(),
    },
    Command {
        name: "outside",
        arguments: "",
        about: "follows docs/adding-a-backend.md outside the workspace and runs the suite",
        run: |_| crate::outside::outside(),
    },
    Command {
        name: "new-backend",
        arguments: "NAME [--into FOLDER]",
        about: "writes a backend crate that compiles and fails its conformance",
        run: crate::new_backend::new_backend,
    },
];

/// The names of all commands.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.name).chain(["help"])
}

/// Runs the command that the arguments name.
///
/// # Errors
/// When there is no such command, or it fails.
pub fn run(arguments: &[String]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else { return help() };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        return help();
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) if rest.is_empty() || !command.arguments.is_empty() => (command.run)(rest),
        Some(command) => bail!("{} takes no arguments", command.name),
        None => bail!("there is no command {name}; cargo xtask help lists them"),
    }
}

fn help() -> Result<()> {
    println!("cargo xtask COMMAND\n");
    for Command { name, arguments, about, .. } in COMMANDS {
        println!("  {:<32} {about}", format!("{name} {arguments}"));
    }
    Ok(())
}
