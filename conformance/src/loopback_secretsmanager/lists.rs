//! Lists of secrets: filtered, in pages.

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Args;
use super::failure::{Done, Failure};
use super::secret::Secret;
use super::store::Store;

/// The conditions on names: each has values, of which one must fit; `!` before a value turns it round.
#[derive(Debug)]
pub(super) struct Filters(Vec<Vec<String>>);

impl Filters {
    pub(super) fn parse(args: &Args) -> Done<Self> {
        let mut filters = Vec::new();
        for filter in args.list("Filters") {
            let values: Vec<String> = filter["Values"]
                .as_array()
                .map(|values| {
                    values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
                })
                .unwrap_or_default();
            match filter["Key"].as_str() {
                Some("name") => {}
                Some(other) => {
                    return Err(Failure::validation(format!(
                        "this server has no filter by {other}"
                    )));
                }
                None => return Err(Failure::parameter("Invalid filter key")),
            }
            check(&values)?;
            filters.push(values);
        }
        if filters.len() > 10 {
            return Err(Failure::validation(
                "Value at 'filters' failed to satisfy constraint: at most 10",
            ));
        }
        Ok(Self(filters))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn fit(&self, name: &str) -> bool {
        self.0.iter().all(|values| {
            values.iter().any(|value| match value.strip_prefix('!') {
                Some(value) => !name.starts_with(value),
                None => name.starts_with(value.as_str()),
            })
        })
    }
}

fn check(values: &[String]) -> Done<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " :_@/+=.-!".contains(c);
    let right = |value: &String| value.len() <= 512 && value.chars().all(allowed);
    if (1..=10).contains(&values.len()) && values.iter().all(right) {
        return Ok(());
    }
    Err(Failure::validation(
        "Value at 'filters.values' failed to satisfy constraint: 1 to 10 values of at most 512 allowed characters",
    ))
}

/// Some secrets of a list, and where it goes on.
pub(super) struct Page {
    pub(super) secrets: Vec<Arc<Secret>>,
    pub(super) next: Option<String>,
}

pub(super) fn page(store: &Store, args: &Args, filters: &Filters, most: u64) -> Done<Page> {
    let ascending = match args.text("SortOrder")? {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err(Failure::validation("Value at 'sortOrder' must be asc or desc")),
    };
    let after: Option<u64> = match args.sized("NextToken", 1, 4096)? {
        None => None,
        Some(token) => {
            Some(token.strip_prefix("after-").and_then(|n| n.parse().ok()).ok_or_else(bad_token)?)
        }
    };
    let planned = args.flag("IncludePlannedDeletion");
    let mut secrets = store.listed();
    secrets.retain(|secret| {
        (planned || secret.deletion.is_none())
            && filters.fit(&secret.name)
            && after.is_none_or(
                |after| if ascending { secret.order > after } else { secret.order < after },
            )
    });
    secrets.sort_unstable_by_key(|secret| secret.order);
    if !ascending {
        secrets.reverse();
    }
    let most = usize::try_from(most).unwrap_or(100);
    let more = secrets.len() > most;
    secrets.truncate(most);
    let next = secrets.last().filter(|_| more).map(|secret| format!("after-{}", secret.order));
    Ok(Page { secrets, next })
}

pub(super) fn bad_token() -> Failure {
    Failure::new("InvalidNextTokenException", "The NextToken value is invalid.")
}

pub(super) fn list(store: &Store, args: &Args) -> Done<Value> {
    let most = args.number("MaxResults", 1, 100)?.unwrap_or(100);
    let page = page(store, args, &Filters::parse(args)?, most)?;
    let entries: Vec<Value> = page
        .secrets
        .iter()
        .map(|secret| Value::Object(secret.shown("SecretVersionsToStages")))
        .collect();
    let mut reply = json!({ "SecretList": entries });
    if let Some(next) = page.next {
        reply["NextToken"] = json!(next);
    }
    Ok(reply)
}
