//! Real servers for tests, started on free ports of 127.0.0.1: Redis, Valkey, PostgreSQL and what stands around them,
//! an ACME certificate authority, a DNS server, and Caddy.
//!
//! Each server lives in a temporary folder under a guardian process, and is gone when its value is dropped or the
//! test process ends, in whatever way. The calls block; in an async test they are short enough to stand as they are.
//! The programs come from Debian's packages and `cargo xtask setup`; a missing one is an error that says so.

mod bind9;
mod caddy;
mod guardian;
mod node;
mod pebble;
mod postgres;
mod process;
mod redis;
mod s3;
mod shared;
mod terminator;
mod tls;
mod user;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use crate::tools::tools_dir;
pub use bind9::Bind9;
pub use caddy::{Caddy, CaddyOptions};
pub use node::TestNode;
pub use pebble::{
    CaProxy, Held, Part, Pebble, PebbleOptions, TlsFront, https_certificate, https_connect,
    https_get,
};
pub use postgres::{PgBouncer, PostgresOptions, PostgresServer, shared_postgres};
pub use process::{Place, ServerProcess, ServerSpec};
pub use redis::{
    RedisCluster, RedisClusterOptions, RedisOptions, RedisSentinel, RedisSentinelOptions,
    RedisServer, shared_redis, shared_redis_cluster, shared_valkey,
};
pub use s3::{Moto, Radosgw, S3Account, shared_moto, shared_radosgw};
pub use terminator::TlsTerminator;
pub use user::User;

use shared::Shared;

/// Runs a short command and gives what it printed; what it said of errors becomes the error.
fn run_text(command: &mut Command) -> io::Result<String> {
    run_with_input(command, "")
}

/// As [`run_text`], with something to read.
fn run_with_input(command: &mut Command, input: &str) -> io::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let missing = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot run {program} ({error}); run: cargo xtask setup"),
        )
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read its input to the end says why, below.
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "{program} failed ({}): {}{}",
        output.status,
        said.trim(),
        text.trim()
    )))
}

/// One word of a shell's command line.
fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"))
}

/// The path of a program that Debian installs in a folder that is on nobody's `PATH`, or on root's only.
fn program(name: &str, folders: &[PathBuf]) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(folders.iter().cloned())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("there is no {name}; run: cargo xtask setup"),
            )
        })
}

/// Looks every 20 ms until `what` is so.
fn wait_until(limit: Duration, what: &str, is_so: impl Fn() -> bool) -> io::Result<()> {
    let end = Instant::now() + limit;
    while !is_so() {
        if Instant::now() > end {
            let message = format!("waited {} s in vain until {what}", limit.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}
