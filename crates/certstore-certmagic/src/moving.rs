//! Moves of single values.

use certstore_core::{
    Capabilities, Cas, Condition, Dir, Error, ErrorKind, Key, Result, Storage, Tree, Version,
};

/// Moves one value to a key that has none, and nothing below it.
///
/// The contract has no move: it is a copy and a delete, each by the strongest means that the backend has. Interrupted
/// between the two, it leaves the value at both keys. With `Cas::Full` no other writer is overrun; else that rests on
/// the lock that certmagic holds meanwhile.
///
/// # Errors
/// `NotFound`: there is no value to move. `Conflict`: there is one at `to`, or the value at `from` was written over
/// meanwhile, or keys lie below `from` and the backend cannot delete it without them.
pub(crate) async fn exact(storage: &dyn Storage, from: &Key, to: &Key) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let able = storage.capabilities();
    let (value, version) = match able.cas {
        Cas::Full => {
            let found = storage.load_versioned(from).await?;
            (found.value, Some(found.version))
        }
        _ => {
            let value = storage.load(from).await?;
            let alone = able.tree == Tree::Exclusive || has_nothing_below(storage, from).await?;
            if !alone {
                return Err(conflict(
                    from,
                    "other keys lie below it, and would be deleted with it",
                ));
            }
            (value, None)
        }
    };
    copy(storage, &able, to, &value).await?;
    remove(storage, from, version.as_ref()).await
}

async fn copy(storage: &dyn Storage, able: &Capabilities, to: &Key, value: &[u8]) -> Result<()> {
    if matches!(able.cas, Cas::Full | Cas::CreateOnly) {
        return storage.store_if(to, value, &Condition::Absent).await.map(drop);
    }
    if storage.exists(to).await? {
        return Err(conflict(to, "there is a value here already"));
    }
    storage.store(to, value).await.map(drop)
}

async fn remove(storage: &dyn Storage, from: &Key, version: Option<&Version>) -> Result<()> {
    match version {
        Some(version) => storage.delete_if(from, version).await,
        None => storage.delete(from).await,
    }
}

async fn has_nothing_below(storage: &dyn Storage, key: &Key) -> Result<bool> {
    match storage.list(&Dir::from(key), false).await {
        Ok(below) => Ok(below.is_empty()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn conflict(key: &Key, what: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, what).with_operation("move").with_key(key)
}

#[cfg(test)]
#[path = "moving_tests.rs"]
mod tests;
