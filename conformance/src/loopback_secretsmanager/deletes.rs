//! Deleting and restoring.

use std::time::Duration;

use serde_json::{Value, json};

use super::args::Args;
use super::clock::shown;
use super::failure::{Done, Failure};
use super::secret::Deletion;
use super::store::Store;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The window when none is given, in days.
const DEFAULT_WINDOW: u64 = 30;

pub(super) fn delete(store: &mut Store, args: &Args) -> Done<Value> {
    let id = args.secret_id()?.to_owned();
    let force = args.flag("ForceDeleteWithoutRecovery");
    let window = args.value("RecoveryWindowInDays").map(|days| days.as_u64().unwrap_or_default());
    if force && window.is_some() {
        return Err(Failure::parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    if window.is_some_and(|days| !(7..=30).contains(&days)) {
        return Err(Failure::parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    if force {
        return Ok(force_delete(store, &id));
    }
    let (secret, ends) = store.change(&id, |secret, now| {
        secret.alive()?;
        let ends = now + DAY * u32::try_from(window.unwrap_or(DEFAULT_WINDOW)).unwrap_or(30);
        secret.deletion = Some(Deletion { at: now, ends });
        secret.changed = now;
        Ok(ends)
    })?;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "DeletionDate": shown(ends) }))
}

/// Of a secret that is not there, too, it is no error.
fn force_delete(store: &mut Store, id: &str) -> Value {
    let date = shown(store.now());
    match store.secret(id) {
        Ok(secret) => {
            let name = secret.name.clone();
            store.vanish(&name);
            json!({ "ARN": secret.arn, "Name": name, "DeletionDate": date })
        }
        Err(_) => json!({ "Name": id, "DeletionDate": date }),
    }
}

pub(super) fn restore(store: &mut Store, args: &Args) -> Done<Value> {
    let (secret, ()) = store.change(args.secret_id()?, |secret, now| {
        // Of a secret that is not deleted it changes nothing.
        secret.deletion = None;
        secret.changed = now;
        Ok(())
    })?;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
}
