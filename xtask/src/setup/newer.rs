//! Programs that Debian 12's own release lacks, or has too old: taken from another suite of Debian, beside the system.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::sources::{self, Source};
use super::tools::tools_dir;
use super::typed;
use crate::shell::{on_path, run, shown};

/// The system's own release, which says where its mirror is.
const RELEASE: &str = "bookworm";

/// What is unpacked together, into a folder of its own.
struct Newer {
    name: &'static str,
    folder: &'static str,
    suite: &'static str,
    packages: &'static [&'static str],
    /// It lies in one of the packages, and its `proof` ends well.
    program: &'static str,
    proof: &'static str,
    /// Whether the system has it already.
    there: fn() -> bool,
    why: &'static str,
}

const ALL: [Newer; 2] = [
    Newer {
        name: "Valkey",
        folder: "valkey",
        suite: "bookworm-backports",
        // Both need libraries that redis-tools brings.
        packages: &["valkey-server", "valkey-tools"],
        program: "usr/bin/valkey-server",
        proof: "--version",
        there: || on_path("valkey-server"),
        why: "the Redis tests run against it too",
    },
    Newer {
        name: "Pebble 2.6",
        folder: "pebble",
        suite: "trixie",
        packages: &["pebble"],
        program: "usr/bin/pebble",
        proof: "-version",
        // The version that the release has cannot be told from it by name.
        there: || false,
        why: "it issues certificates of 90 seconds, and tells when to renew them (RFC 9773)",
    },
];

/// Unpacks each where the test servers look for it, unless it is there or the system has it.
pub(super) fn setup() -> Result<()> {
    ALL.iter().try_for_each(Newer::setup)
}

impl Newer {
    fn setup(&self) -> Result<()> {
        let Self { name, folder, why, .. } = self;
        let target = tools_dir().join(folder);
        if target.join(self.program).is_file() || (self.there)() {
            return Ok(());
        }
        println!("setup: {name} is missing: {why}");
        let source = sources::release(RELEASE)?.with_context(|| {
            format!(
                "apt has no source of Debian's release {RELEASE}, so there is no mirror to take {name} from; \
                 put its program to {}",
                target.join(self.program).display()
            )
        })?;
        let work = tools_dir().join(format!("{folder}.new"));
        let mut steps = Steps::new(self, &work, &source);
        let done = steps.carry_out(self).and_then(|()| {
            drop(std::fs::remove_dir_all(&target));
            std::fs::rename(work.join("root"), &target)
                .with_context(|| format!("cannot put {name} into its place"))
        });
        drop(std::fs::remove_dir_all(&work));
        done.with_context(|| format!("run it by hand to see why: {}", steps.by_hand()))?;
        println!("setup: {name} is in {}", target.display());
        Ok(())
    }
}

/// apt with lists, cache and sources of its own: the system's are not touched.
struct Steps {
    work: PathBuf,
    list: String,
    commands: Vec<Command>,
}

impl Steps {
    fn new(wanted: &Newer, work: &Path, source: &Source) -> Self {
        let apt = |action: &[&str]| {
            let mut apt = Command::new("apt-get");
            for (name, value) in [
                ("Dir::Etc::SourceList", work.join("sources.list")),
                ("Dir::Etc::SourceParts", PathBuf::from("/dev/null")),
                ("Dir::State::Lists", work.join("lists")),
                ("Dir::Cache", work.join("cache")),
                // apt's own user cannot read a folder below root's home
                ("APT::Sandbox::User", PathBuf::from("root")),
                ("Acquire::Retries", PathBuf::from("3")),
            ] {
                apt.arg("-o").arg(format!("{name}={}", value.display()));
            }
            apt.arg("--quiet=2").args(action).current_dir(work);
            apt
        };
        let packages = wanted.packages.iter().map(|package| format!("{package}/{}", wanted.suite));
        let mut download = apt(&["download"]);
        download.args(packages);
        let mut unpack = Command::new("sh");
        unpack
            .args(["-ec", "for package in *.deb; do dpkg -x \"$package\" root; done"])
            .current_dir(work);
        let mut answers = Command::new(work.join("root").join(wanted.program));
        answers.arg(wanted.proof).current_dir(work);
        let commands = vec![apt(&["update"]), download, unpack, answers];
        Self { work: work.to_owned(), list: source.line(wanted.suite), commands }
    }

    fn carry_out(&mut self, wanted: &Newer) -> Result<()> {
        drop(std::fs::remove_dir_all(&self.work));
        for folder in ["lists/partial", "cache/archives/partial", "root"] {
            let folder = self.work.join(folder);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(self.work.join("sources.list"), format!("{}\n", self.list))?;
        for command in &mut self.commands {
            println!("setup: {}", shown(command));
            run(command)?;
        }
        if !self.work.join("root").join(wanted.program).is_file() {
            bail!("the packages {} do not hold {}", wanted.packages.join(" and "), wanted.program);
        }
        Ok(())
    }

    fn by_hand(&self) -> String {
        let work = self.work.display();
        let commands: Vec<String> = self.commands.iter().map(typed).collect();
        format!(
            "mkdir -p {work}/lists/partial {work}/cache/archives/partial {work}/root && cd {work} && \
             echo '{}' >sources.list && {}",
            self.list,
            commands.join(" && ")
        )
    }
}
