//! `cargo xtask setup`: installs what the tests need and this machine lacks.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{capture, cargo, on_path, run, shown};

mod newer;
mod sources;
/// Shared with the tests' servers, by its source: their crate takes long to compile.
#[expect(unreachable_pub, reason = "it is public there")]
#[path = "../../conformance/src/tools.rs"]
mod tools;
mod venv;

/// A Debian package, how to see that it is there, and what for.
struct Need {
    package: &'static str,
    there: fn() -> bool,
    why: &'static str,
}

const CERTMAGIC: &str = "/usr/share/gocode/src/github.com/caddyserver/certmagic";
const POLICY: &str = "/usr/sbin/policy-rc.d";

const NEEDS: &[Need] = &[
    Need {
        package: "gcc",
        there: || on_path("cc"),
        why: "Rust links with it, and ring is partly C",
    },
    Need {
        package: "caddy",
        there: || on_path("caddy"),
        why: "the tests share a data directory with it, both ways",
    },
    Need {
        package: "golang-go",
        there: || on_path("go"),
        why: "builds the CertMagic peer of the lock tests",
    },
    Need {
        package: "golang-github-caddyserver-certmagic-dev",
        there: || Path::new(CERTMAGIC).is_dir(),
        why: "the Go side of the lock tests",
    },
    Need {
        package: "strace",
        there: || on_path("strace"),
        why: "the crash test replays system calls",
    },
    Need {
        package: "util-linux",
        there: || ["mount", "setpriv", "script", "setsid", "ipcrm"].into_iter().all(on_path),
        why: "small file systems, other users, sessions and terminals in tests",
    },
    Need {
        package: "redis-server",
        there: || on_path("redis-server"),
        why: "the Redis tests start it, alone and as a cluster",
    },
    Need {
        package: "redis-sentinel",
        there: || on_path("redis-sentinel"),
        why: "promotes a replica in the failover tests of Redis",
    },
    Need {
        package: "redis-tools",
        there: || on_path("redis-cli"),
        why: "the tests look into Redis past the driver",
    },
    Need {
        package: "postgresql",
        there: || has_postgres("initdb") && has_postgres("postgres") && on_path("psql"),
        why: "the PostgreSQL tests start it",
    },
    Need {
        package: "pgbouncer",
        there: || on_path("pgbouncer"),
        why: "the PostgreSQL tests also run through a pooler",
    },
    Need {
        package: "pebble",
        there: || on_path("pebble") && on_path("pebble-challtestsrv"),
        why: "an ACME certificate authority for the tests of the adapters",
    },
    Need {
        package: "bind9",
        there: || Path::new("/usr/sbin/named").is_file() || on_path("named"),
        why: "a DNS server that takes updates, for the tests of DNS-01",
    },
    Need {
        package: "python3-venv",
        there: has_venv,
        why: "holds moto and boto3, a second S3 server and AWS's own client",
    },
    Need {
        package: "radosgw",
        there: || on_path("radosgw"),
        why: "a production server of another kind for the S3 tests",
    },
    Need {
        package: "ceph-mon",
        there: || on_path("ceph-mon"),
        why: "radosgw keeps its state in a Ceph cluster, which has a monitor",
    },
    Need {
        package: "ceph-osd",
        there: || on_path("ceph-osd"),
        why: "holds the objects of radosgw",
    },
];

/// Installs what is missing, or says which command would.
pub(crate) fn setup() -> Result<()> {
    rust_components()?;
    packages()?;
    newer::setup()?;
    venv::setup()?;
    println!("setup: everything the tests need is installed");
    Ok(())
}

fn packages() -> Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("setup: {} is missing: {}", need.package, need.why);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let by_hand =
        format!("apt-get update && apt-get install --no-install-recommends {}", packages.join(" "));
    if !on_path("apt-get") {
        bail!(
            "there is no apt-get here; install by your system's means what Debian 12 calls: {}",
            packages.join(" ")
        );
    }
    if capture(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("only root can install packages; run: sudo sh -c '{by_hand}'");
    }
    install(&packages).with_context(|| format!("run it by hand to see why: {by_hand}"))?;
    match missing.iter().find(|need| !(need.there)()) {
        Some(need) => {
            bail!("{} was installed, but what the tests need of it is not there", need.package)
        }
        None => Ok(()),
    }
}

/// Debian keeps them off `PATH`, a folder per version.
fn has_postgres(program: &str) -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders = versions.map(|version| version.path().join("bin"));
    folders.any(|folder| folder.join(program).is_file()) || on_path(program)
}

fn has_venv() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import ensurepip, venv"]);
    python.output().is_ok_and(|output| output.status.success())
}

/// A command with the whole path of its program and the quotes that a shell needs.
fn typed(command: &Command) -> String {
    let plain = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-=,:".contains(&byte))
    };
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .map(|word| if plain(&word) { word } else { format!("'{}'", word.replace('\'', "'\\''")) })
        .collect::<Vec<_>>()
        .join(" ")
}

/// rustup's minimal profile comes without these two.
fn rust_components() -> Result<()> {
    for component in ["rustfmt", "clippy"] {
        let subcommand = component.strip_prefix("rust").unwrap_or(component);
        let there = cargo()
            .args([subcommand, "--version"])
            .output()
            .is_ok_and(|output| output.status.success());
        if there {
            continue;
        }
        if !on_path("rustup") {
            bail!(
                "cargo {subcommand} is missing, and there is no rustup to install it; install {component}"
            );
        }
        println!("setup: installing {component} with rustup: the tests begin with it");
        run(Command::new("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}

fn install(packages: &[&str]) -> Result<()> {
    let _quiet = NoDaemons::begin()?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    println!("setup: {}", shown(&apt));
    // A fresh image has no package lists, an old one stale ones.
    if run(&mut apt).is_ok() {
        return Ok(());
    }
    println!("setup: apt-get update, then again");
    run(Command::new("apt-get").arg("update"))?;
    run(&mut apt)
}

/// Debian starts a packaged server when it installs it. The tests start their own, on free ports of 127.0.0.1.
struct NoDaemons(Option<PathBuf>);

impl NoDaemons {
    fn begin() -> Result<Self> {
        let policy = PathBuf::from(POLICY);
        if policy.exists() {
            return Ok(Self(None)); // the machine has a policy of its own
        }
        std::fs::write(&policy, "#!/bin/sh\nexit 101\n")
            .with_context(|| format!("cannot write {POLICY}"))?;
        let ours = Self(Some(policy));
        run(Command::new("chmod").args(["755", POLICY]))?;
        Ok(ours)
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if let Some(policy) = self.0.take() {
            drop(std::fs::remove_file(policy));
        }
    }
}
