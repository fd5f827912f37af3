//! Several values that belong together.

use bytes::Bytes;
use certstore_core::{ErrorKind, Key, Result, Storage};
use futures_util::future::try_join_all;

/// How often a set that is not whole is looked at again: a writer may be in the middle of it.
const LOOKS: usize = 3;

/// The values of the keys, in their order. Those of one directory are of one [`store_all`](Storage::store_all), whatever
/// was interrupted between two writes.
pub(crate) async fn load(storage: &dyn Storage, keys: &[Key]) -> Result<Vec<Option<Bytes>>> {
    let keys: Vec<&Key> = keys.iter().collect();
    if !are_one_directory(&keys) {
        return each(storage, &keys).await;
    }
    let mut values = Vec::new();
    for _ in 0..LOOKS {
        match storage.load_bundle(&keys).await {
            Ok(values) => return Ok(values.into_iter().map(Some).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        values = each(storage, &keys).await?;
        if values.iter().all(Option::is_none) {
            break;
        }
    }
    Ok(values)
}

/// Which of the keys have a value: where that is all or none, without loading them.
pub(crate) async fn exist(storage: &dyn Storage, keys: &[Key]) -> Result<Vec<bool>> {
    let known = try_join_all(keys.iter().map(async |key| match storage.stat(key).await {
        Ok(info) => Ok(info.is_terminal),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }))
    .await?;
    if known.windows(2).all(|pair| pair[0] == pair[1]) {
        return Ok(known);
    }
    Ok(load(storage, keys).await?.iter().map(Option::is_some).collect())
}

/// Whether `store_all` and `load_bundle` take these keys: different ones of one directory.
pub(crate) fn are_one_directory(keys: &[&Key]) -> bool {
    let Some((first, others)) = keys.split_first() else { return false };
    let parent = first.parent();
    !others.is_empty()
        && others.iter().all(|key| key.parent() == parent)
        && keys.iter().enumerate().all(|(at, key)| !keys[..at].contains(key))
}

async fn each(storage: &dyn Storage, keys: &[&Key]) -> Result<Vec<Option<Bytes>>> {
    let values = storage.load_many(keys).await;
    values
        .into_iter()
        .map(|value| match value {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .collect()
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
