//! Requests that read one secret, or several by name.

use serde_json::{Map, Value, json};

use super::args::Args;
use super::clock::shown;
use super::failure::{Done, Failure};
use super::lists::{self, Filters};
use super::secret::{CURRENT, Secret, Version};
use super::store::Store;

pub(super) fn get(store: &Store, args: &Args) -> Done<Value> {
    let id = args.secret_id()?;
    let version = args.sized("VersionId", 32, 64)?;
    let stage = args.sized("VersionStage", 1, 256)?;
    let secret = store.seen(id)?;
    secret.alive()?;
    value(&secret, version, stage).map(Value::Object)
}

fn value(secret: &Secret, id: Option<&str>, stage: Option<&str>) -> Done<Map<String, Value>> {
    let missing = |what: String| {
        Failure::new(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for {what}"),
        )
    };
    let found: &Version = match (id, stage) {
        (Some(id), stage) => {
            let found = secret.version(id).ok_or_else(|| missing(format!("VersionId: {id}")))?;
            if stage.is_some_and(|stage| !found.stages.contains(stage)) {
                return Err(Failure::request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            found
        }
        (None, stage) => {
            let stage = stage.unwrap_or(CURRENT);
            secret.staged(stage).ok_or_else(|| missing(format!("staging label: {stage}")))?
        }
    };
    let (field, body) = found.body.field();
    let mut value = Map::new();
    value.insert("ARN".into(), json!(secret.arn));
    value.insert("Name".into(), json!(secret.name));
    value.insert("VersionId".into(), json!(found.id));
    value.insert(field.into(), json!(body));
    value.insert("VersionStages".into(), json!(found.stages));
    value.insert("CreatedDate".into(), shown(found.created));
    Ok(value)
}

pub(super) fn describe(store: &Store, args: &Args) -> Done<Value> {
    let secret = store.seen(args.secret_id()?)?;
    Ok(Value::Object(secret.shown("VersionIdsToStages")))
}

pub(super) fn version_ids(store: &Store, args: &Args) -> Done<Value> {
    let secret = store.seen(args.secret_id()?)?;
    let most = usize::try_from(args.number("MaxResults", 1, 100)?.unwrap_or(100)).unwrap_or(100);
    let start: usize = match args.sized("NextToken", 1, 4096)? {
        None => 0,
        Some(token) => token.parse().map_err(|_| lists::bad_token())?,
    };
    let all = args.flag("IncludeDeprecated");
    let versions: Vec<&Version> =
        secret.versions.iter().filter(|version| all || !version.stages.is_empty()).collect();
    let page = versions.iter().skip(start).take(most).map(|version| {
        let mut entry = json!({ "VersionId": version.id, "CreatedDate": shown(version.created) });
        if !version.stages.is_empty() {
            entry["VersionStages"] = json!(version.stages);
        }
        entry
    });
    let page: Vec<Value> = page.collect();
    let mut reply = json!({ "ARN": secret.arn, "Name": secret.name, "Versions": page });
    if start + most < versions.len() {
        reply["NextToken"] = json!((start + most).to_string());
    }
    Ok(reply)
}

/// The values of up to 20 secrets, by name or by filter.
pub(super) fn batch(store: &Store, args: &Args) -> Done<Value> {
    let ids: Vec<String> =
        args.list("SecretIdList").iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    let filters = Filters::parse(args)?;
    let most = args.number("MaxResults", 1, 20)?;
    match (ids.is_empty(), filters.is_empty()) {
        (true, true) | (false, false) => {
            return Err(Failure::parameter(
                "You must include Filters or SecretIdList, but not both.",
            ));
        }
        (false, true) if most.is_some() => {
            return Err(Failure::parameter("MaxResults can't be used with SecretIdList."));
        }
        _ => {}
    }
    if ids.len() > 20 {
        return Err(Failure::validation(
            "Value at 'secretIdList' failed to satisfy constraint: at most 20",
        ));
    }
    let (names, next) = if ids.is_empty() {
        let page = lists::page(store, args, &filters, most.unwrap_or(20))?;
        (page.secrets.iter().map(|secret| secret.name.clone()).collect(), page.next)
    } else {
        (ids, None)
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in names {
        let got = store.seen(&id).and_then(|secret| {
            secret.alive()?;
            value(&secret, None, None)
        });
        match got {
            Ok(value) => values.push(Value::Object(value)),
            Err(failure) => errors.push(
                json!({ "SecretId": id, "ErrorCode": failure.code, "Message": failure.message }),
            ),
        }
    }
    let mut reply = json!({ "SecretValues": values, "Errors": errors });
    if let Some(next) = next {
        reply["NextToken"] = json!(next);
    }
    Ok(reply)
}
