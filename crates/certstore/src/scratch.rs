//! Names and places for what a tool writes and removes again.

use std::io;
use std::path::PathBuf;

use certstore_core::{Dir, Error, ErrorKind, Key, OsRandom, Random, Result};

use crate::Config;

/// A directory that nobody else has: `certstore-PURPOSE-` and 32 hexadecimal digits.
pub(crate) fn directory(purpose: &str) -> Result<Dir> {
    Ok(Dir::from(Key::new(&format!("certstore-{purpose}-{:032x}", OsRandom.next_u128()))?))
}

/// Removes the place that [`Config::beneath`] gives for `name`, with everything in it: values, locks, tables. What the
/// config itself means is not touched. A place that is not there is no error.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: `name` is empty, or as [`Config::beneath`]. Else of the backend; then some of it may be
/// left, and it can be called again.
///
/// # Cancel safety
/// Dropped, some of it may be left.
pub async fn remove_beneath(config: &Config, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::new(ErrorKind::InvalidConfig, "the place to remove needs a name"));
    }
    let place = config.beneath(name)?;
    let directories = place.paths().map(ToOwned::to_owned).collect();
    remove_directories(directories).await.map_err(|error| {
        Error::new(ErrorKind::Other, "the directory cannot be removed; remove it by hand")
            .with_subject(name.escape_debug().to_string())
            .with_source(error)
    })?;
    crate::services::erase(&place.storage).await?;
    match &place.lock {
        Some(lock) => crate::services::erase(lock).await,
        None => Ok(()),
    }
}

async fn remove_directories(directories: Vec<PathBuf>) -> io::Result<()> {
    let removal = tokio::task::spawn_blocking(move || {
        directories.iter().try_for_each(|directory| match std::fs::remove_dir_all(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        })
    });
    removal.await.map_err(io::Error::other)?
}

#[cfg(test)]
#[path = "scratch_tests.rs"]
mod tests;
