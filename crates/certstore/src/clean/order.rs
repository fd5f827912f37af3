//! Orders that nobody finishes, and their challenges that nobody removed.

use certstore_core::{KeyInfo, LockName, Result, StorageKeys};
use serde::Deserialize;

use super::removal::{Remover, busy, is_lost, release};
use super::report::Verdict;

/// What is left of an order.
pub(super) struct Remnant {
    why: &'static str,
    /// The locks under which it is worked on; a fault when the value is no such thing.
    read: fn(&[u8], &str) -> Result<Vec<LockName>, String>,
    is_old: fn(&Remover<'_>, &KeyInfo) -> bool,
}

pub(super) const CHALLENGE: Remnant = Remnant {
    why: "nobody removed this challenge",
    read: challenge,
    is_old: |remover, info| remover.is_stale(info),
};

pub(super) const ORDER: Remnant = Remnant {
    why: "nobody finished this order while the CA kept it",
    read: order,
    is_old: |remover, info| remover.is_over(info),
};

/// What a challenge says, as CertMagic writes it (RFC 8555, section 8); other fields play no part.
#[derive(Deserialize)]
struct Challenge {
    #[serde(rename = "type")]
    kind: String,
    token: String,
    identifier: Option<Identifier>,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(default)]
    value: String,
}

/// What an order says, as certstore writes it.
#[derive(Deserialize)]
struct Order {
    ca: String,
    sans: Vec<String>,
}

/// Decides by age, once the content has proved to be what its key says; then under the issue lock of its name, as an order
/// that is worked on has it.
pub(super) async fn look_at(
    remover: &Remover<'_>,
    info: &KeyInfo,
    remnant: &Remnant,
) -> Result<Verdict> {
    let read = remnant.read;
    let names = match read(&remover.storage.load(&info.key).await?, info.key.name()) {
        Ok(names) => names,
        Err(fault) => return Ok(Verdict::Garbage(fault)),
    };
    if !(remnant.is_old)(remover, info) {
        return Ok(Verdict::InUse);
    }
    let why = remnant.why.to_owned();
    if remover.is_dry() {
        return Ok(Verdict::WouldRemove(why));
    }
    let Some(guards) = remover.locks(&names).await? else { return Ok(busy(&names)) };
    let removed = async {
        let (value, version) = remover.read(&info.key).await?;
        // Under the lock it is known to be nobody's; written since it was listed, it is a new order's.
        let now = remover.storage.stat(&info.key).await?;
        if !(remnant.is_old)(remover, &now) {
            return Ok(Verdict::Renewed("another order has begun".into()));
        }
        match read(&value, info.key.name()) {
            Ok(_) => remover.remove(&info.key, version.as_ref(), why, &guards).await,
            Err(fault) => Ok(Verdict::Garbage(fault)),
        }
    };
    let removed = match removed.await {
        Err(error) if is_lost(&error) => Ok(busy(&names)),
        removed => removed,
    };
    release(guards).await;
    removed
}

fn challenge(value: &[u8], file: &str) -> Result<Vec<LockName>, String> {
    let challenge: Challenge =
        serde_json::from_slice(value).map_err(|error| format!("it is no challenge: {error}"))?;
    if challenge.kind.is_empty() || challenge.token.is_empty() {
        return Err("it is no challenge: it has no type or no token".into());
    }
    let stem = file.strip_suffix(".json").unwrap_or(file);
    let identifier = challenge.identifier.map(|identifier| identifier.value);
    let name = identifier.filter(|name| !name.is_empty()).unwrap_or_else(|| stem.to_owned());
    let lock = StorageKeys::issue_cert_lock(&name).map_err(|error| error.to_string())?;
    Ok(vec![lock])
}

fn order(value: &[u8], _: &str) -> Result<Vec<LockName>, String> {
    let order: Order =
        serde_json::from_slice(value).map_err(|error| format!("it is no order: {error}"))?;
    if order.ca.is_empty() || order.sans.is_empty() {
        return Err("it is no order: it has no CA or no names".into());
    }
    let lock = StorageKeys::issue_cert_lock(&StorageKeys::site_name(&order.sans));
    Ok(vec![lock.map_err(|error| error.to_string())?])
}
