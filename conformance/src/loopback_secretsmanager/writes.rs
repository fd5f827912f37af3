//! Requests that write values and labels.

use serde_json::{Map, Value, json};

use super::args::Args;
use super::failure::{Done, Failure};
use super::secret::{CURRENT, Secret};
use super::store::Store;

/// What is told of a secret again as it was given.
const DETAILS: [&str; 3] = ["Description", "KmsKeyId", "Tags"];

fn details(args: &Args) -> Map<String, Value> {
    let given =
        DETAILS.iter().filter_map(|name| Some(((*name).to_owned(), args.value(name)?.clone())));
    given.collect()
}

/// The id of a version whose writer gives none.
fn fresh(store: &mut Store) -> String {
    let (_, number) = store.new_arn("");
    format!("00000000-0000-4000-8000-{number:012x}")
}

pub(super) fn create(store: &mut Store, args: &Args) -> Done<Value> {
    let (name, body, token) = (args.name()?, args.body()?, args.token()?);
    if store.is_vanishing(name) {
        return Err(already_scheduled());
    }
    if let Ok(found) = store.secret(name) {
        if found.deletion.is_some() {
            return Err(already_scheduled());
        }
        // The same request once more is no second one.
        let same = token
            .and_then(|token| found.version(token))
            .is_some_and(|version| Some(&version.body) == body.as_ref());
        if same {
            return Ok(json!({ "ARN": found.arn, "Name": name, "VersionId": token }));
        }
        let message = format!("The operation failed because the secret {name} already exists.");
        return Err(Failure::new("ResourceExistsException", message));
    }
    let id = token.map_or_else(|| fresh(store), str::to_owned);
    let now = store.now();
    let (arn, order) = store.new_arn(name);
    let mut secret = Secret {
        name: name.to_owned(),
        arn,
        order,
        created: now,
        changed: now,
        deletion: None,
        details: details(args),
        versions: Vec::new(),
    };
    let mut reply = json!({ "ARN": secret.arn, "Name": name });
    if let Some(body) = body {
        secret.add(&id, body, &[CURRENT.to_owned()], now, None)?;
        reply["VersionId"] = json!(id);
    }
    store.set(name, Some(secret));
    Ok(reply)
}

fn already_scheduled() -> Failure {
    Failure::request(
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
}

pub(super) fn put(store: &mut Store, args: &Args) -> Done<Value> {
    let (id, body, token) = (args.secret_id()?, args.body()?, args.token()?);
    let body = body
        .ok_or_else(|| Failure::request("You must provide either SecretString or SecretBinary."))?;
    let stages = args.stages()?;
    let version = token.map_or_else(|| fresh(store), str::to_owned);
    let limit = store.version_limit;
    let (secret, ()) = store.change(id, |secret, now| {
        secret.alive()?;
        let mut stages = stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        if secret.versions.is_empty() && !stages.iter().any(|stage| stage == CURRENT) {
            stages.push(CURRENT.to_owned());
        }
        secret.add(&version, body, &stages, now, limit).map(drop)
    })?;
    let stages = secret.version(&version).map(|version| &version.stages);
    Ok(
        json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": version, "VersionStages": stages }),
    )
}

pub(super) fn update(store: &mut Store, args: &Args) -> Done<Value> {
    let (id, body, token) = (args.secret_id()?, args.body()?, args.token()?);
    let version = token.map_or_else(|| fresh(store), str::to_owned);
    let (limit, details, has_body) = (store.version_limit, details(args), body.is_some());
    let (secret, ()) = store.change(id, |secret, now| {
        secret.alive()?;
        if let Some(body) = body {
            secret.add(&version, body, &[CURRENT.to_owned()], now, limit)?;
        }
        secret.details.extend(details);
        secret.changed = now;
        Ok(())
    })?;
    let mut reply = json!({ "ARN": secret.arn, "Name": secret.name });
    if has_body {
        reply["VersionId"] = json!(version);
    }
    Ok(reply)
}

/// Moves a label: a compare-and-swap on the version that has it.
pub(super) fn stage(store: &mut Store, args: &Args) -> Done<Value> {
    let id = args.secret_id()?;
    let stage = args.sized("VersionStage", 1, 256)?.ok_or_else(|| {
        Failure::validation("1 validation error detected: 'versionStage' must not be null")
    })?;
    let from = args.sized("RemoveFromVersionId", 32, 64)?;
    let to = args.sized("MoveToVersionId", 32, 64)?;
    let (secret, ()) = store.change(id, |secret, now| {
        secret.alive()?;
        move_stage(secret, stage, from, to)?;
        secret.changed = now;
        Ok(())
    })?;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
}

fn move_stage(secret: &mut Secret, stage: &str, from: Option<&str>, to: Option<&str>) -> Done<()> {
    if from.is_none() && to.is_none() {
        return Err(Failure::parameter("You must specify RemoveFromVersionId or MoveToVersionId."));
    }
    if let Some(to) = to
        && secret.version(to).is_none()
    {
        let message = format!("Secrets Manager can't find the specified secret version: {to}.");
        return Err(Failure::new("ResourceNotFoundException", message));
    }
    let has = secret.staged(stage).map(|version| version.id.clone());
    match (&has, from) {
        (Some(has), None) if to != Some(has) => {
            return Err(Failure::parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
                 {has}, so you must explicitly reference that version in RemoveFromVersionId."
            )));
        }
        (has, Some(from)) if has.as_deref() != Some(from) => {
            return Err(Failure::parameter(format!(
                "The parameter RemoveFromVersionId is not the version that staging label {stage} is attached to."
            )));
        }
        _ => {}
    }
    match to {
        Some(to) => {
            let labels: std::collections::BTreeSet<&str> = secret
                .versions
                .iter()
                .flat_map(|version| &version.stages)
                .map(String::as_str)
                .chain([stage])
                .collect();
            if labels.len() > 20 {
                let message = "You've exceeded the maximum number of 20 staging labels.";
                return Err(Failure::new("LimitExceededException", message));
            }
            secret.attach(stage, to);
            Ok(())
        }
        None if stage == CURRENT => Err(Failure::parameter(
            "You can't remove the staging label AWSCURRENT; move it to another version.",
        )),
        None => {
            secret.detach(stage);
            Ok(())
        }
    }
}
