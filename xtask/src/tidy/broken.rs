//! Every clause has a store that breaks it and nothing else, or a reason why it has none.

use std::collections::BTreeSet;

use anyhow::Result;

use super::contract::{cases, is_number};
use crate::shell::{read, root, tracked};

const FOLDER: &str = "conformance/src/broken";

pub(crate) fn check() -> Result<Vec<String>> {
    let mut named = BTreeSet::new();
    for file in tracked("rs")?.iter().filter(|file| file.starts_with(FOLDER)) {
        let text = read(&root().join(file))?;
        named.extend(text.split('"').filter(|word| is_number(word)).map(str::to_owned));
    }
    let without = cases()?.into_keys().filter(|id| !named.contains(id));
    Ok(without
        .map(|id| {
            format!("{FOLDER}: names no store that breaks {id}, and no reason why there is none")
        })
        .collect())
}
