//! What only the storage can tell.

use std::time::{Duration, SystemTime};

use certstore_core::{Dir, ErrorKind, Result, Storage};

use super::{CheckStatus, Checks, DoctorOptions, advice, stages};
use crate::{Config, scratch, verify};

/// How many names a check shows.
const SHOWN: usize = 3;

pub(super) async fn look_at(config: &Config, options: &DoctorOptions, checks: &mut Checks) {
    let opened = verify::open_asked(config).await;
    let service = !matches!(config.backend(), "memory" | "fs") || config.lock_backend().is_some();
    let (storage, asked) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            stages::failed(&error, service, checks);
            let rest = ["permissions", "locking", "contents", "locks"];
            checks.skip(rest, "the storage could not be opened");
            return;
        }
    };
    if service {
        // Opening asks little of some services: one request that changes nothing tells the rest.
        let asked = match scratch::directory("probe") {
            Ok(dir) => storage.list(&dir, false).await.map(drop),
            Err(error) => Err(error),
        };
        if !stages::answered(&asked, checks) {
            let rest = ["permissions", "locking", "contents", "locks"];
            return checks.skip(rest, "the storage does not take requests");
        }
    }
    checks.ok("storage", format!("{} was opened", storage.backend()));
    for step in asked {
        let check = format!("service: {}", step.step);
        add_step(checks, check, step.step, step.ok, step.detail);
    }
    if config.is_read_only() {
        let read_only = "the config says read_only, so nothing is written";
        checks.skip(["permissions", "locking", "clock"], read_only);
    } else {
        look_at_permissions(&*storage, checks).await;
        look_at_clock(&*storage, options, checks).await;
    }
    look_at_contents(&*storage, checks).await;
    look_at_locks(&*storage, checks).await;
}

async fn look_at_permissions(storage: &dyn Storage, checks: &mut Checks) {
    match crate::probe::probe(storage).await {
        Ok(steps) => {
            for step in steps {
                let check = match step.step {
                    "lock" => "locking".to_owned(),
                    other => format!("permission: {other}"),
                };
                add_step(checks, check, step.step, step.ok, step.detail);
            }
        }
        Err(error) => checks.failed("permissions", &error),
    }
}

fn add_step(checks: &mut Checks, check: String, step: &str, ok: bool, detail: Option<String>) {
    if ok {
        checks.ok(check, detail.unwrap_or_else(|| "works".into()));
    } else {
        let advice = advice::for_step(step).to_owned();
        checks.push(check, CheckStatus::Fail, detail.unwrap_or_default(), Some(advice));
    }
}

/// How far the storage's clock, which dates what is stored, is from this machine's. A service may date to the second.
async fn look_at_clock(storage: &dyn Storage, options: &DoctorOptions, checks: &mut Checks) {
    let (before, modified, after) = match dated(storage, options).await {
        Ok(dated) => dated,
        Err(error) => return checks.failed("clock", &error),
    };
    let Some(modified) = modified else {
        return checks.skip(["clock"], "the backend does not tell its time");
    };
    let apart = match (before.duration_since(modified), modified.duration_since(after)) {
        (Ok(behind), _) => behind,
        (_, Ok(ahead)) => ahead,
        _ => Duration::ZERO,
    };
    // What was dated to the whole second looks up to a second old.
    let apart = apart.saturating_sub(Duration::from_secs(1));
    let seconds = apart.as_secs_f64();
    let advice = "set the clocks by NTP: services refuse requests that are minutes off, and ages of values are wrong";
    if apart >= options.clock_tolerance * 60 {
        let detail = format!("this machine's clock is {seconds:.0} s from the storage's");
        checks.fail("clock", detail, advice);
    } else if apart >= options.clock_tolerance {
        let detail = format!("this machine's clock is {seconds:.0} s from the storage's");
        checks.warn("clock", detail, advice);
    } else {
        checks.ok("clock", "agrees with the storage's");
    }
}

async fn dated(
    storage: &dyn Storage,
    options: &DoctorOptions,
) -> Result<(SystemTime, Option<SystemTime>, SystemTime)> {
    let key = scratch::directory("probe")?.join("clock")?;
    let before = options.clock.wall();
    let stored = storage.store(&key, b"a value of certstore's doctor").await;
    let after = options.clock.wall();
    let found = match stored {
        Ok(_) => storage.stat(&key).await,
        Err(error) => Err(error),
    };
    // Also what was stored without an answer is not to stay.
    let whole = key.parent();
    let removed = storage.delete(whole.key().unwrap_or(&key)).await;
    let found = found?;
    removed?;
    Ok((before, found.modified, after))
}

async fn look_at_contents(storage: &dyn Storage, checks: &mut Checks) {
    let names = match storage.list(&Dir::ROOT, false).await {
        Ok(names) => names,
        Err(error) => return checks.failed("contents", &error),
    };
    checks.ok("contents", format!("{} names at the root", names.len()));
    let left: Vec<&str> = names
        .iter()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("certstore-probe-") || name.starts_with("certstore-bench-"))
        .collect();
    if !left.is_empty() {
        checks.warn(
            "left behind",
            format!("{} directories of runs that were interrupted: {}", left.len(), some(&left)),
            "remove them with `certstore rm NAME`, when no other certstore runs",
        );
    }
    match storage.foreign(&Dir::ROOT).await {
        Ok(foreign) if foreign.is_empty() => {}
        Ok(foreign) => checks.warn(
            "foreign names",
            format!("{} stored names are no valid keys: {}", foreign.len(), some(&foreign)),
            "nobody reads them; rename or remove them with the tools of the storage",
        ),
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        Err(error) => checks.failed("foreign names", &error),
    }
}

fn some(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<_> =
        names.iter().take(SHOWN).map(|name| name.as_ref().escape_debug().to_string()).collect();
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

async fn look_at_locks(storage: &dyn Storage, checks: &mut Checks) {
    let locks = match storage.locks().await {
        Ok(locks) => locks,
        Err(error) => return checks.failed("locks", &error),
    };
    let dead: Vec<&str> = locks
        .iter()
        .filter(|lock| lock.alive == Some(false))
        .map(|lock| lock.name.as_str())
        .collect();
    if dead.is_empty() {
        checks.ok("locks", format!("{} held", locks.len()));
    } else {
        checks.warn(
            "locks",
            format!("{} of {} are of dead holders: {}", dead.len(), locks.len(), some(&dead)),
            "the next holder takes them over; `certstore locks` shows them",
        );
    }
}
