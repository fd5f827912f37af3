//! Valkey 8 for Debian 12, whose own release has none: taken from backports, beside the system.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::sources::{self, Source};
use super::tools::tools_dir;
use super::typed;
use crate::shell::{on_path, run, shown};

const RELEASE: &str = "bookworm";
const SUITE: &str = "bookworm-backports";
/// The program lies in the second; both need libraries that redis-tools brings.
const PACKAGES: [&str; 2] = ["valkey-server", "valkey-tools"];
const PROGRAM: &str = "usr/bin/valkey-server";

/// Unpacks it where the test servers look for it, unless it is there or the system has it.
pub(super) fn setup() -> Result<()> {
    let target = tools_dir().join("valkey");
    if target.join(PROGRAM).is_file() || on_path("valkey-server") {
        return Ok(());
    }
    println!("setup: Valkey is missing: the Redis tests run against it too");
    let source = sources::release(RELEASE)?.with_context(|| {
        format!(
            "apt has no source of Debian's release {RELEASE}, so there is no mirror to take Valkey from; \
             install Valkey 8, so that valkey-server is on PATH"
        )
    })?;
    let work = tools_dir().join("valkey.new");
    let mut steps = Steps::new(&work, &source);
    let done = steps.carry_out().and_then(|()| {
        drop(std::fs::remove_dir_all(&target));
        std::fs::rename(work.join("root"), &target).context("cannot put Valkey into its place")
    });
    drop(std::fs::remove_dir_all(&work));
    done.with_context(|| format!("run it by hand to see why: {}", steps.by_hand()))?;
    println!("setup: Valkey is in {}", target.display());
    Ok(())
}

/// apt with lists, cache and sources of its own: the system's are not touched.
struct Steps {
    work: PathBuf,
    list: String,
    commands: Vec<Command>,
}

impl Steps {
    fn new(work: &Path, source: &Source) -> Self {
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
        let packages = PACKAGES.map(|package| format!("{package}/{SUITE}"));
        let mut download = apt(&["download"]);
        download.args(packages);
        let mut unpack = Command::new("sh");
        unpack
            .args(["-ec", "for package in *.deb; do dpkg -x \"$package\" root; done"])
            .current_dir(work);
        let mut answers = Command::new(work.join("root").join(PROGRAM));
        answers.arg("--version").current_dir(work);
        let commands = vec![apt(&["update"]), download, unpack, answers];
        Self { work: work.to_owned(), list: source.line(SUITE), commands }
    }

    fn carry_out(&mut self) -> Result<()> {
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
        if !self.work.join("root").join(PROGRAM).is_file() {
            bail!("the packages {} do not hold {PROGRAM}", PACKAGES.join(" and "));
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
